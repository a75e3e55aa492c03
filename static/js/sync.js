// How far a reading of the inventory is, told without a reload until it has ended. The page says it without this too.
import { announce } from "./announce.js";
import { swap } from "./morph.js";

const EVERY_MS = 1000;
const SLOWER_MS = 5000;
let failures = 0;

async function look() {
  const root = document.querySelector("#sync[data-sync]");
  if (!root) return;
  try {
    const answer = await fetch(root.dataset.sync, { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(String(answer.status));
    const { html, open } = await answer.json();
    failures = 0;
    swap("sync", html);
    if (!open) {
      announce(document.querySelector("#sync b")?.textContent || "");
      return;
    }
  } catch {
    failures += 1;
    if (failures > 20) return;
  }
  setTimeout(look, document.hidden || failures ? SLOWER_MS : EVERY_MS);
}

setTimeout(look, EVERY_MS);
