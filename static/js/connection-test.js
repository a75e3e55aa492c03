// Shows the steps of a connection test as they end. Without this, or when the stream does not get through,
// the form is sent as it is and the page comes back with all of them.
import { announce } from "./announce.js";
import { swap } from "./morph.js";

const form = document.getElementById("test-form");
const button = form?.querySelector("button[type=submit]");
const words = button?.querySelector("[data-words]");

function busy(on) {
  if (on) button.dataset.before = words.textContent;
  words.textContent = on ? button.dataset.busy : button.dataset.before;
  button.toggleAttribute("aria-busy", on);
  if (on) button.setAttribute("aria-busy", "true");
}

function show(line) {
  const part = JSON.parse(line);
  Object.entries(part.html).forEach(([id, html]) => swap(id, html));
  if (part.done) announce(part.said);
  return Boolean(part.done);
}

async function stream() {
  const answer = await fetch(form.dataset.steps, { method: "POST", body: new FormData(form) });
  if (!answer.ok || answer.redirected || !answer.body) throw new Error(String(answer.status));
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  let done = false;
  for (;;) {
    const { value, done: ended } = await reader.read();
    if (ended) return done;
    const lines = (rest + value).split("\n");
    rest = lines.pop();
    done = lines.filter(Boolean).map(show).some(Boolean) || done;
  }
}

form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (button.hasAttribute("aria-busy")) return;
  document.getElementById("test-result").replaceChildren();
  busy(true);
  try {
    if (!(await stream())) throw new Error("cut off");
    busy(false);
  } catch {
    form.submit();
  }
});
