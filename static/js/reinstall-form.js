// The reinstall form: comfort on top of a form that works without it. What is right is decided by the server alone.
import { announce } from "./announce.js";
import { swap } from "./morph.js";

const WAIT_MS = 350;
const form = document.getElementById("reinstall-form");
const field = (name) => form.elements[name];
const max = Number(form.dataset.maxBytes);
const encoder = new TextEncoder();
// Beyond these the server does not read what is sent; the page keeps what was typed instead.
const TYPED_MAX = 200_000;
const FILE_MAX = 1_000_000;

// Picking a key pair fills in the user ID it belongs to.
function fillUserId() {
  const chosen = field("keyname").selectedOptions?.[0];
  if (chosen?.dataset.userid) field("userid").value = chosen.dataset.userid;
}

function source() {
  return form.querySelector("[name=user_data_source]:checked")?.value || "none";
}

// As the server counts: browsers send CRLF, the server finds LF. A textarea's value has LF already.
function scriptBytes() {
  if (source() === "write") return encoder.encode(field("user_data").value.replace(/\r\n?/g, "\n")).length;
  if (source() === "upload") return field("user_data_file").files[0]?.size || 0;
  if (source() === "preset") return Number(form.dataset.presetBytes || 0);
  return 0;
}

const number = new Intl.NumberFormat("en-GB");

// In the words of the server (reinstall/domain/findings.py, meter).
function meter(used) {
  const said = `${number.format(used)} of ${number.format(max)} bytes before base64`;
  if (used > max) return `${said}: ${number.format(used - max)} too many`;
  return used * 10 >= max * 9 ? `${said}, ${number.format(max - used)} left` : said;
}

function countBytes() {
  const used = scriptBytes();
  const over = used > max;
  const line = document.getElementById("script-size");
  line.textContent = meter(used);
  line.classList.toggle("err", over);
  const bar = document.getElementById("script-bar");
  bar.setAttribute("width", `${Math.min(100, (100 * used) / max).toFixed(1)}%`);
  bar.parentElement.parentElement.classList.toggle("bad", over);
}

const area = field("user_data");
const gutter = document.getElementById("line-numbers");

// Lines that are written about below carry a mark.
function numberLines() {
  const lines = area.value.split("\n").length;
  const marks = new Set([...form.querySelectorAll("[data-line]")].map((link) => Number(link.dataset.line)));
  const state = `${lines} ${[...marks].join()}`;
  if (gutter.dataset.state !== state) {
    gutter.dataset.state = state;
    gutter.replaceChildren(
      ...Array.from({ length: lines }, (_, index) => {
        const text = `${index + 1}\n`;
        if (!marks.has(index + 1)) return text;
        const mark = document.createElement("span");
        mark.className = "w";
        mark.textContent = text;
        return mark;
      }),
    );
  }
  gutter.scrollTop = area.scrollTop;
}

// "Line 7" in a finding leads into the text: that line is selected and scrolled to the middle.
function goToLine(number) {
  const lines = area.value.split("\n");
  const start = lines.slice(0, number - 1).join("\n").length + (number > 1 ? 1 : 0);
  area.focus();
  area.setSelectionRange(start, start + (lines[number - 1]?.length || 0));
  const height = Number.parseFloat(getComputedStyle(area).lineHeight);
  area.scrollTop = Math.max(0, (number - 1) * height - area.clientHeight / 2);
  area.scrollIntoView({ block: "nearest" });
}

function tooLong() {
  return encoder.encode(area.value).length > TYPED_MAX || (field("user_data_file").files[0]?.size || 0) > FILE_MAX;
}

// A key that is chosen and then hidden is not meant.
function showEncryption() {
  const encrypts = form.querySelector("[name=encrypted]:checked")?.value === "1";
  field("cmkid").disabled = !encrypts;
}

let timer;
let running;

async function checkNow() {
  if (tooLong()) return; // the meter has said so
  running?.abort();
  running = new AbortController();
  const body = new FormData(form);
  body.set("action", "check");
  try {
    const answer = await fetch(form.dataset.check, { method: "POST", body, signal: running.signal });
    if (!answer.ok) return;
    const { html } = await answer.json();
    Object.entries(html).forEach(([id, text]) => swap(id, text));
    numberLines();
  } catch {
    // Without an answer the last preview stays; sending checks everything again.
  }
}

function changed() {
  countBytes();
  numberLines();
  showEncryption();
  clearTimeout(timer);
  timer = setTimeout(checkNow, WAIT_MS);
}

// A preset takes effect as soon as it is chosen; without a script, with the button beside it.
const presets = document.getElementById("id_preset");
presets?.addEventListener("change", () => form.requestSubmit(document.getElementById("take-preset")));

field("keyname").addEventListener("change", fillUserId);
area.addEventListener("scroll", numberLines);
form.addEventListener("click", (event) => {
  const link = event.target.closest("[data-line]");
  if (!link) return;
  event.preventDefault();
  goToLine(Number(link.dataset.line));
});
form.addEventListener("submit", (event) => {
  if (!tooLong()) return;
  event.preventDefault();
  const line = document.getElementById("script-size");
  line.scrollIntoView({ block: "center" });
  announce(line.textContent);
});
form.addEventListener("input", changed);
form.addEventListener("change", changed);
countBytes();
numberLines();
showEncryption();
