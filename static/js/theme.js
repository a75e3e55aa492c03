// Runs before the first paint: marks that scripts work and applies a chosen theme, so that nothing flashes.
(function () {
  var root = document.documentElement;
  root.classList.add("js");
  try {
    var chosen = localStorage.getItem("theme");
    if (chosen === "light" || chosen === "dark") root.dataset.theme = chosen;
  } catch (blocked) {
    // Storage is switched off: the system's theme is used.
  }
})();
