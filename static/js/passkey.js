// Passkeys: asks the browser for one, or for a proof with one, and sends its answer with the form.
// [data-passkey] says which; #passkey-options holds what the server asks, its bytes as base64url.

const bytesOf = (text) =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));

const textOf = (bytes) =>
  btoa(String.fromCharCode(...new Uint8Array(bytes))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

const known = (list) => (list ?? []).map((one) => ({ ...one, id: bytesOf(one.id) }));

function question({ publicKey }) {
  const asked = { ...publicKey, challenge: bytesOf(publicKey.challenge) };
  if (asked.user) asked.user = { ...asked.user, id: bytesOf(asked.user.id) };
  if (asked.excludeCredentials) asked.excludeCredentials = known(asked.excludeCredentials);
  if (asked.allowCredentials) asked.allowCredentials = known(asked.allowCredentials);
  return { publicKey: asked };
}

function answer(made) {
  const names = ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"];
  const parts = names.filter((name) => made.response[name]).map((name) => [name, textOf(made.response[name])]);
  return { id: made.id, rawId: textOf(made.rawId), type: made.type, response: Object.fromEntries(parts) };
}

function start(box) {
  const options = JSON.parse(document.getElementById("passkey-options").textContent);
  const form = document.getElementById("proof-form");
  const wrong = box.querySelector("[data-passkey-wrong]");
  const button = box.querySelector("button");
  box.hidden = false;
  button.addEventListener("click", async () => {
    wrong.hidden = true;
    button.disabled = true;
    try {
      const made = await navigator.credentials[box.dataset.passkey](question(options));
      form.elements.passkey.value = JSON.stringify(answer(made));
      form.requestSubmit();
    } catch {
      wrong.textContent = "No passkey was used. Try again, or take another way.";
      wrong.hidden = false;
      button.disabled = false;
    }
  });
}

const box = document.querySelector("[data-passkey]");
if (box && window.PublicKeyCredential && window.isSecureContext) start(box);
