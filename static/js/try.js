// "Try it" of the API pages: reads with the browser's session and shows the answer below. Without this the form
// opens the same answer as a page.
import { announce } from "./announce.js";

async function tryIt(event) {
  const form = event.target.closest("form[data-try]");
  if (!form) return;
  event.preventDefault();
  const place = document.getElementById(form.dataset.try);
  const address = `${form.getAttribute("action")}?${new URLSearchParams(new FormData(form))}`;
  let said;
  try {
    const answer = await fetch(address, { headers: { Accept: "application/json" } });
    const body = await answer.json();
    said = `GET ${address}\n${answer.status} ${answer.statusText}\n\n${JSON.stringify(body, null, 2)}`;
    announce(`${answer.status} ${answer.statusText}`);
  } catch {
    said = `GET ${address}\nNo answer. Try again.`;
    announce("No answer");
  }
  place.textContent = said;
  place.hidden = false;
}

document.addEventListener("submit", tryIt);
