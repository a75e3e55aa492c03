// The password field of the reinstall form: makes one, shows it, copies it. What is right is decided by the server.
import { announce } from "./announce.js";

const LENGTH = 20;
const KINDS = ["ABCDEFGHJKLMNPQRSTUVWXYZ", "abcdefghijkmnopqrstuvwxyz", "23456789", "!@%-_=+.:?"];
const USER = "administrator";
const field = document.getElementById("id_adminpass");
const button = (what) => document.querySelector(`[data-password=${what}]`);

// One of `count` numbers, each as likely: a rest of 256 that would favour the first ones is thrown again.
function dice(count) {
  const thrown = new Uint8Array(1);
  do crypto.getRandomValues(thrown);
  while (thrown[0] >= 256 - (256 % count));
  return thrown[0] % count;
}

// Windows takes no three characters in a row of the user's name, either way round.
function holdsUser(text) {
  const said = text.toLowerCase();
  const back = [...USER].reverse().join("");
  return [USER, back].some((name) => [...name].some((_, at) => at + 3 <= name.length && said.includes(name.slice(at, at + 3))));
}

function made() {
  const all = KINDS.join("");
  for (;;) {
    const text = Array.from({ length: LENGTH }, () => all[dice(all.length)]).join("");
    const whole = KINDS.every((kind) => [...kind].some((sign) => text.includes(sign)));
    if (whole && !holdsUser(text)) return text;
  }
}

function show(shown) {
  field.type = shown ? "text" : "password";
  button("show").setAttribute("aria-pressed", String(shown));
  button("show").textContent = shown ? "Hide" : "Show";
}

if (field) {
  button("make").addEventListener("click", () => {
    field.value = made();
    show(true);
    field.dispatchEvent(new Event("input", { bubbles: true }));
    announce("A password was made. Copy it now; it is shown nowhere afterwards.");
  });
  button("show").addEventListener("click", () => show(field.type === "password"));
  // Before the page's own listener copies; the button does not keep it.
  button("copy").addEventListener("click", (event) => {
    const pressed = event.currentTarget;
    pressed.dataset.copy = field.value;
    setTimeout(() => {
      pressed.dataset.copy = "";
    });
  });
  field.form.addEventListener("submit", () => show(false));
}
