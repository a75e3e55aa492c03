// The page's one status region, and one alert region for what must not be missed.
export function announce(text, urgent = false) {
  const region = document.getElementById(urgent ? "alarm" : "announcer");
  if (!region || !text) return;
  // The same sentence twice in a row would not be read again without the empty step.
  region.textContent = "";
  requestAnimationFrame(() => {
    region.textContent = text;
  });
}
