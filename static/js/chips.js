// Menus of filters open and close by themselves (details); Escape and a click beside them close them too.
export function startChips() {
  const opened = () => document.querySelectorAll("details.chip[open]");
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const chip of opened()) {
      const inside = chip.contains(document.activeElement);
      chip.open = false;
      if (inside) chip.querySelector("summary").focus();
    }
  });
  document.addEventListener("click", (event) => {
    for (const chip of opened()) if (!chip.contains(event.target)) chip.open = false;
  });
}
