// Copy buttons: data-copy holds the text, or data-copy-from the id of the element whose text is meant.
import { announce } from "./announce.js";

const SHOWN_MS = 1600;

async function write(text) {
  if (navigator.clipboard && window.isSecureContext) {
    await navigator.clipboard.writeText(text);
    return;
  }
  // Plain http on another host has no clipboard API; the old command still works there.
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "sr";
  document.body.append(area);
  const before = document.activeElement;
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  before?.focus?.({ preventScroll: true });
  if (!done) throw new Error("copy refused");
}

function textOf(button) {
  const source = button.dataset.copyFrom && document.getElementById(button.dataset.copyFrom);
  return source ? source.textContent.trim() : button.dataset.copy || "";
}

export function startCopy() {
  document.addEventListener("click", async (event) => {
    const button = event.target.closest?.("[data-copy], [data-copy-from]");
    if (!button) return;
    try {
      await write(textOf(button));
    } catch {
      announce("Not copied. The browser refused.");
      return;
    }
    button.dataset.copied = "";
    announce("Copied");
    setTimeout(() => delete button.dataset.copied, SHOWN_MS);
  });
}
