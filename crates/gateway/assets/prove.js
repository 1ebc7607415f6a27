// @ts-check
// The page that asks for a one-time code again: the browser proves its key with it.

import { deviceProof } from "./device.js";

const form = document.querySelector("main form");
const proof = document.getElementById("proof");

if (form instanceof HTMLFormElement && proof instanceof HTMLInputElement) {
  form.addEventListener("submit", async (event) => {
    const { nonce, username } = proof.dataset;
    if (proof.value || !nonce || !username) return;
    event.preventDefault();
    try {
      proof.value = JSON.stringify({ username, device: await deviceProof(username, nonce) });
    } finally {
      form.submit();
    }
  });
}
