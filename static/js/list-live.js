// Keeps the server list right while it is open: <section id="list" data-live-list="/servers/changes/?…" data-version="…">.
// Cells change where they stand. Rows never move; a line says how many servers would, and leads to the list anew.
import { announce } from "./announce.js";
import { tick } from "./clock.js";
import { isIdle } from "./idle.js";
import { elementOf } from "./markup.js";
import { morph, swap } from "./morph.js";

const EVERY_MS = 5000;
const IDLE_MS = 60000;
const LOST_MS = 10000;

const list = document.getElementById("list");
const table = list.querySelector("table");
const rows = new Map([...(table?.tBodies[0].rows || [])].map((row) => [idOf(row), row]));
const address = `${list.dataset.liveList}&ids=${[...rows.keys()].join(".")}`;
const waiting = new Map(); // server -> its row, of which a cell could not be shown yet

let version = list.dataset.version;
let moved = 0;
let lastAsked = Date.now();
let lastSign = Date.now();
let lost = false;
let asking = false;

// A row has no id of its own, fifty would make the page longer: its link names the server.
function idOf(row) {
  return row.querySelector(".lead a").pathname.split("/")[2];
}

function inTable() {
  return table.matches(":hover, :focus-within");
}

// Shows a cell where it stands. Not while it has the focus, and not if it would push rows under the pointer.
function show(cell, fresh) {
  if (cell.isEqualNode(fresh)) return true;
  if (cell.contains(document.activeElement)) return false;
  if (!inTable()) {
    morph(cell, fresh);
    return true;
  }
  const before = cell.cloneNode(true);
  const height = table.offsetHeight;
  morph(cell, fresh);
  if (table.offsetHeight === height) return true;
  morph(cell, before);
  return false;
}

function showRow(id, fresh) {
  const row = rows.get(id);
  if (!row || row.cells.length !== fresh.cells.length) return;
  const all = [...fresh.cells].map((cell, at) => show(row.cells[at], cell.cloneNode(true)));
  if (all.every(Boolean)) waiting.delete(id);
  else waiting.set(id, fresh);
}

function showWaiting() {
  // After the event: the focus is on its way, or the pointer is just leaving.
  setTimeout(() => waiting.forEach((fresh, id) => showRow(id, fresh)), 0);
}

function apply(update) {
  Object.entries(update.rows).forEach(([id, html]) => {
    showRow(id, elementOf(html));
  });
  Object.entries(update.html).forEach(([id, html]) => swap(id, html));
  if (update.moved && !moved) announce(document.getElementById("list-changed").textContent);
  moved = update.moved;
  tick();
}

async function ask() {
  asking = true;
  lastAsked = Date.now();
  try {
    const headers = { Accept: "application/json", "If-None-Match": `"${version}"` };
    const answer = await fetch(address, { headers });
    if (answer.status !== 304) {
      // Who was signed out is led to another page.
      if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
      apply(await answer.json());
      version = answer.headers.get("ETag").replace(/^W\/|"/g, "");
    }
    lastSign = Date.now();
    lost = false;
  } catch {
    lost = true;
  } finally {
    asking = false;
  }
}

function showMark() {
  const stale = lost && Date.now() - lastSign > LOST_MS;
  const at = new Date(lastSign).toTimeString().slice(0, 8);
  const words = stale ? `Not live since ${at}. Trying again.` : "Live";
  const mark = document.getElementById("list-mark");
  mark.classList.toggle("off", stale);
  if (mark.textContent !== words) mark.textContent = words;
}

// Asks while somebody looks; seldom when nobody has touched the page for a while, never in a hidden tab.
async function look() {
  const due = Date.now() - lastAsked >= (isIdle() ? IDLE_MS : EVERY_MS - 100);
  if (!document.hidden && !asking && due) await ask();
  showMark();
}

table?.addEventListener("pointerleave", showWaiting);
table?.addEventListener("focusout", showWaiting);
document.addEventListener("visibilitychange", look);
// Not all pages that were opened at one moment ask at one moment.
setTimeout(() => setInterval(look, EVERY_MS), Math.random() * EVERY_MS);
