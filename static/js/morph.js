// Makes an element look like freshly rendered HTML while keeping the nodes that are already right.
// Kept nodes keep the focus, the text selection, the scroll position and a turning icon's angle.
import { elementOf } from "./markup.js";

function syncAttributes(old, fresh) {
  // Whether a disclosure is open belongs to the reader, not to the server.
  const kept = old.nodeName === "DETAILS" ? ["open"] : [];
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name) && !kept.includes(name)) old.removeAttribute(name);
  }
  for (const { name, value } of [...fresh.attributes]) {
    if (!kept.includes(name) && old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
}

function syncChildren(old, fresh) {
  const wanted = [...fresh.childNodes];
  wanted.forEach((next, index) => {
    const here = old.childNodes[index];
    const known = next.id ? [...old.children].find((child) => child.id === next.id) : null;
    if (known && known !== here) old.insertBefore(known, here || null);
    const current = old.childNodes[index];
    if (!current) old.append(next);
    else morph(current, next);
  });
  while (old.childNodes.length > wanted.length) old.lastChild.remove();
}

export function morph(old, fresh) {
  if (old.isEqualNode(fresh)) return;
  const same = old.nodeType === fresh.nodeType && old.nodeName === fresh.nodeName && old.id === fresh.id;
  if (!same) old.replaceWith(fresh);
  else if (old.nodeType === Node.ELEMENT_NODE) {
    syncAttributes(old, fresh);
    syncChildren(old, fresh);
  } else if (old.data !== fresh.data) old.data = fresh.data;
}

// `html` is markup rendered by our own templates.
export function swap(id, html) {
  const target = document.getElementById(id);
  if (!target) return;
  const fresh = elementOf(html);
  if (fresh) morph(target, fresh);
}
