// How long nobody has touched this page: pages that nobody looks at ask seldom.
const IDLE_AFTER_MS = 180000;

let lastInput = Date.now();
["pointermove", "keydown", "scroll", "focus"].forEach((name) =>
  window.addEventListener(name, () => (lastInput = Date.now()), { passive: true }),
);

export function isIdle() {
  return Date.now() - lastInput > IDLE_AFTER_MS;
}
