// One press, one request: a form that was sent says so and does not send again.
// The server holds the promise (a once-only key in the form); this only keeps the finger from doubting.
export function guardForms() {
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method.toLowerCase() !== "post") return;
    if (form.dataset.sent !== undefined) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "";
    const button = event.submitter || form.querySelector("button[type=submit], button:not([type])");
    if (!button) return;
    button.setAttribute("aria-busy", "true");
    const words = button.querySelector("[data-words]") || button;
    button.dataset.before = words.textContent;
    // Keeps its width: a shorter button would let the second click of a double click land on its neighbour.
    button.style.minWidth = `${button.offsetWidth}px`;
    words.textContent = button.dataset.busy || "Sending…";
  });
  // Coming back with the browser's back button finds the page as it was left; make it usable again.
  window.addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    document.querySelectorAll("form[data-sent]").forEach((form) => {
      delete form.dataset.sent;
      form.querySelectorAll("[aria-busy]").forEach((button) => {
        button.removeAttribute("aria-busy");
        button.style.minWidth = "";
        (button.querySelector("[data-words]") || button).textContent = button.dataset.before;
      });
    });
  });
}

export function focusErrorSummary() {
  const summary = document.getElementById("error-summary");
  if (!summary) return;
  summary.focus();
  summary.addEventListener("click", (event) => {
    const link = event.target.closest("a[href^='#']");
    const field = link && document.getElementById(link.hash.slice(1));
    if (!field) return;
    event.preventDefault();
    field.focus();
    field.scrollIntoView({ block: "center" });
  });
}
