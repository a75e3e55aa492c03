// Times that tick without the network.
//   <span data-since="2026-10-14T12:02:11Z" data-suffix=" so far">   "1:12 so far"
//   <span data-since="…" data-half="112" data-full="190" data-left>  "about 40 s left"
//   <rect data-since="…" data-full="190" width="38%">                grows, never past 97 %
//   <time datetime="…" data-ago>                                     "2 min ago"
//   <span data-until="2026-10-14T12:07:11Z">                         "4:12", down to "0:00"
//   <p data-until="…" data-shown="before">                           there until then; "after": from then on
// All arithmetic is against the server's clock: a wrong clock in the browser changes nothing.
const HELD = 97;
const TICK_MS = 1000;

const stamp = document.querySelector("meta[name=server-now]")?.content;
const skew = stamp ? Date.parse(stamp) - Date.now() : 0;

export function now() {
  return Date.now() + skew;
}

export function clockText(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  const rest = String(whole % 60).padStart(2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}

// The same sentences as the server's `left`.
export function leftText(elapsed, half, full) {
  const left = half - elapsed;
  if (left > 90) return `about ${Math.round(left / 60)}\u00a0min left`;
  if (left > 5) return `about ${Math.ceil(left / 5) * 5}\u00a0s left`;
  if (elapsed <= full) return "any moment now";
  return "longer than 9 of 10 runs";
}

export function agoText(seconds) {
  if (seconds < 5) return "just now";
  if (seconds < 60) return `${Math.floor(seconds)}\u00a0s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}\u00a0min ago`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)}\u00a0h ago`;
  return null;
}

function set(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function tickSince(element, at) {
  const { since, full, half, left, suffix = "" } = element.dataset;
  const elapsed = Math.max(0, (at - Date.parse(since)) / 1000);
  if (Number.isNaN(elapsed)) return;
  if (left !== undefined) set(element, leftText(elapsed, Number(half), Number(full)));
  else if (full !== undefined) element.setAttribute("width", `${Math.min(HELD, (100 * elapsed) / full).toFixed(1)}%`);
  else set(element, clockText(elapsed) + suffix);
}

function tickUntil(element, at) {
  const left = (Date.parse(element.dataset.until) - at) / 1000;
  if (Number.isNaN(left)) return;
  const { shown } = element.dataset;
  if (shown === undefined) set(element, clockText(Math.ceil(left)));
  else element.hidden = shown === "before" ? left <= 0 : left > 0;
}

export function tick() {
  const at = now();
  document.querySelectorAll("[data-since]").forEach((element) => tickSince(element, at));
  document.querySelectorAll("[data-until]").forEach((element) => tickUntil(element, at));
  document.querySelectorAll("time[data-ago]").forEach((element) => {
    const text = agoText(Math.max(0, (at - Date.parse(element.dateTime)) / 1000));
    if (text) set(element, text);
  });
}

export function startClock() {
  tick();
  setInterval(() => {
    if (!document.hidden) tick();
  }, TICK_MS);
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) tick();
  });
}
