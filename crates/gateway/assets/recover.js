// @ts-check
// The pages that replace a lost factor. The script of the face sends the proof; this one shows what is new,
// and sends the first code of a new authenticator.

import { post, wordsOf } from "./camera.js";
import { spelled } from "./device.js";
import "./face.js";

/**
 * @param {string} id
 * @returns {HTMLElement}
 */
function part(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no ${id}`);
  return found;
}

/** @param {string} name @returns {string} what the person has typed into a field of the first form */
function typed(name) {
  const fields = /** @type {HTMLFormElement} */ (part("fields"));
  return String(new FormData(fields).get(name) ?? "");
}

/** @param {{ qr?: string, uri?: string, settles?: string }} made */
function show({ qr, uri, settles }) {
  part("recovery").hidden = true;
  part("done").hidden = false;
  if (qr) part("qr").setAttribute("src", `data:image/png;base64,${qr}`);
  if (uri) part("uri").textContent = uri;
  part("settles").textContent = settles ?? "";
  part("done").focus();
}

/** @param {HTMLFormElement} form */
async function confirm(form) {
  const complaint = part("confirm-complaint");
  complaint.hidden = true;
  const otp = String(new FormData(form).get("otp") ?? "");
  const body = { username: spelled(typed("username")), password: typed("password"), otp };
  try {
    await post(form.action, body);
    form.hidden = true;
    part("confirmed").hidden = false;
  } catch (error) {
    complaint.textContent = wordsOf(error);
    complaint.hidden = false;
  }
}

part("face").addEventListener("replaced", (event) => show(/** @type {CustomEvent} */ (event).detail));
const form = document.getElementById("confirm");
if (form instanceof HTMLFormElement) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    confirm(form);
  });
}
