// Ticking a server tells the server at once, and the bar says what is chosen. Without this file a button does it.
import { swap } from "./morph.js";

const form = document.getElementById("selection");
let going = Promise.resolve();

async function tell() {
  // A row that is held by now has no box any more: it stays chosen, and the bar says why it is left out.
  const boxes = [...document.querySelectorAll("input[name=server]")].filter((box) => box.form === form);
  form.elements.shown.value = boxes.map((box) => box.value).join(" ");
  const body = new FormData(form);
  body.set("action", "keep");
  try {
    // Not form.action: a button of the form has that name.
    const answer = await fetch(form.getAttribute("action"), {
      method: "POST",
      body,
      headers: { Accept: "application/json" },
    });
    if (!answer.ok) throw new Error(String(answer.status));
    const { html } = await answer.json();
    Object.entries(html).forEach(([id, text]) => swap(id, text));
    document.getElementById("announcer").textContent = document.querySelector("#selection-words p").textContent;
  } catch {
    // The plain way shows what is wrong.
    form.requestSubmit(form.querySelector("[data-keep]"));
  }
}

if (form) {
  const keep = form.querySelector("[data-keep]");
  keep.hidden = true;
  // One after the other: the last tick wins, whatever the network does.
  document.addEventListener("change", (event) => {
    if (event.target.name === "server" && event.target.form === form) going = going.then(tell);
  });
  // A link clicked right after a tick would overtake it.
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href]");
    if (!link || event.defaultPrevented || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (!link.closest(".pager") && !link.closest("#selection-words")) return;
    event.preventDefault();
    going.then(() => location.assign(link.href));
  });
}
