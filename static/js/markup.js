// The only place where text becomes markup. The policy of the page (Trusted Types) refuses it everywhere else.
// What comes here was rendered by our own templates; it is parsed inert, scripts in it never run.
const policy = window.trustedTypes?.createPolicy("ecsportal", { createHTML: (text) => text });

function trusted(text) {
  return policy ? policy.createHTML(text) : text;
}

// The first element of a fragment.
export function elementOf(html) {
  const holder = document.createElement("template");
  holder.innerHTML = trusted(html.trim());
  return holder.content.firstElementChild;
}

export function pageOf(html) {
  return new DOMParser().parseFromString(trusted(html), "text/html");
}
