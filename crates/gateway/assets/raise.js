// @ts-check
// The page that asks for a code and the face for a higher level. The script of the face sends the proof; this
// one goes on to where the person came from.

import { page } from "./camera.js";
import "./face.js";

page.addEventListener("replaced", (event) => {
  location.assign(/** @type {CustomEvent} */ (event).detail.to);
});
