// The reinstall form: comfort on top of a form that works without it. What is right is decided by the server alone.
import { swap } from "./morph.js";

const WAIT_MS = 350;
const form = document.getElementById("reinstall-form");
const field = (name) => form.elements[name];
const max = Number(form.dataset.maxBytes);
const encoder = new TextEncoder();

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
  return 0;
}

const number = new Intl.NumberFormat("en-GB");

function countBytes() {
  const used = scriptBytes();
  const over = used > max;
  const line = document.getElementById("script-size");
  line.textContent = over
    ? `${number.format(used)} bytes, ${number.format(used - max)} more than the ${number.format(max)} the cloud takes before base64`
    : `${number.format(used)} of ${number.format(max)} bytes used, before base64`;
  line.classList.toggle("err", over);
  const bar = document.getElementById("script-bar");
  bar.setAttribute("width", `${Math.min(100, (100 * used) / max).toFixed(1)}%`);
  bar.parentElement.parentElement.classList.toggle("bad", over);
  return over;
}

function numberLines() {
  const gutter = document.getElementById("line-numbers");
  const lines = field("user_data").value.split("\n").length;
  if (Number(gutter.dataset.lines) !== lines) {
    gutter.dataset.lines = lines;
    gutter.textContent = Array.from({ length: lines }, (_, index) => index + 1).join("\n");
  }
  gutter.scrollTop = field("user_data").scrollTop;
}

// A key that is chosen and then hidden is not meant.
function showEncryption() {
  const encrypts = form.querySelector("[name=encrypted]:checked")?.value === "1";
  field("cmkid").disabled = !encrypts;
}

let timer;
let running;

async function checkNow() {
  if (countBytes() && source() === "upload") return; // too large to send just to be told so
  running?.abort();
  running = new AbortController();
  const body = new FormData(form);
  body.set("action", "check");
  try {
    const answer = await fetch(form.dataset.check, { method: "POST", body, signal: running.signal });
    if (!answer.ok) return;
    const { html } = await answer.json();
    Object.entries(html).forEach(([id, text]) => swap(id, text));
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

field("keyname").addEventListener("change", fillUserId);
field("user_data").addEventListener("scroll", numberLines);
form.addEventListener("input", changed);
form.addEventListener("change", changed);
countBytes();
numberLines();
showEncryption();
