// @ts-check
// The pages of the password and the code: a browser that has signed in here before proves its key with
// these forms as well. The server then counts the attempt for this device, so that guesses of strangers
// at the password do not shut out its owner. Without this script the forms work in the same way.

import { deviceProof, knownName, noteIdentifier } from "./device.js";

const form = document.querySelector("main form");
const proof = document.getElementById("proof");

if (form instanceof HTMLFormElement && proof instanceof HTMLInputElement) {
  let isReady = false;
  form.addEventListener("submit", async (event) => {
    const identifier = form.elements.namedItem("identifier");
    if (!(identifier instanceof HTMLInputElement) || isReady) return;
    event.preventDefault();
    try {
      noteIdentifier(identifier.value);
      const username = await knownName(identifier.value);
      const nonce = proof.dataset.nonce;
      if (username && nonce) {
        proof.value = JSON.stringify({ username, device: await deviceProof(username, nonce) });
      }
    } finally {
      isReady = true;
      // The button may have a value of its own.
      form.requestSubmit(event.submitter);
    }
  });
}
