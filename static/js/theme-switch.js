// Three buttons: System, Light, Dark. The choice stays in this browser.
function chosen() {
  try {
    return localStorage.getItem("theme") || "system";
  } catch {
    return "system";
  }
}

function apply(value) {
  const root = document.documentElement;
  if (value === "system") delete root.dataset.theme;
  else root.dataset.theme = value;
  try {
    if (value === "system") localStorage.removeItem("theme");
    else localStorage.setItem("theme", value);
  } catch {
    // Without storage the choice holds until the page is left.
  }
}

export function startThemeSwitch() {
  const buttons = [...document.querySelectorAll("button[data-theme-choice]")];
  const mark = (value) =>
    buttons.forEach((b) => b.setAttribute("aria-pressed", String(b.dataset.themeChoice === value)));
  mark(chosen());
  buttons.forEach((button) =>
    button.addEventListener("click", () => {
      apply(button.dataset.themeChoice);
      mark(button.dataset.themeChoice);
    }),
  );
}
