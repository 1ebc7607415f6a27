// @ts-check
// What the pages with a camera share: the camera, hints about the light, pictures, and requests.
// The elements and their texts are in templates/camera.html.

import { base64 } from "./device.js";

const SIDE = { width: 640, height: 480 };
const QUALITY = 0.8;
/** Time between two hints, so that they can be read, in milliseconds. */
export const HINT_MS = 1000;

/**
 * @template {Element} T
 * @param {string} id
 * @param {new () => T} type
 * @returns {T}
 */
export function part(id, type) {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new Error(`the page has no ${id}`);
  return found;
}

/** The element with the texts and facts of the page. */
export const page = part("face", HTMLDivElement);
const complaint = part("complaint", HTMLParagraphElement);
const camera = part("camera", HTMLDivElement);
const preview = part("preview", HTMLVideoElement);
const still = part("still", HTMLCanvasElement);
const oval = part("oval", HTMLDivElement);
const status = part("status", HTMLParagraphElement);

/** @type {MediaStream | null} */
let stream = null;
/** @type {number | undefined} */
let hints;

/** @param {string} name the last part of a key of the texts @returns {string} */
export const text = (name) => page.getAttribute(`data-face-${name}`) ?? "";

/** An answer of the server that is no. */
export class Refusal extends Error {
  /**
   * @param {string} words
   * @param {string | undefined} code the code of docs/PROTOCOL.md, if the server decided
   */
  constructor(words, code) {
    super(words);
    this.code = code;
  }
}

/** @param {string} words */
export const say = (words) => { if (status.textContent !== words) status.textContent = words; };
/** @param {number} milliseconds */
export const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** @param {string} words */
export function complain(words) {
  complaint.textContent = words;
  complaint.hidden = words === "";
}

/** @param {unknown} error @returns {string} the words of the server, or that there are none */
export const wordsOf = (error) => (error instanceof Refusal ? error.message : text("failed"));

/** Ends the camera. The last picture stays in view if `keepStill`. @param {boolean} [keepStill] */
export function stopCamera(keepStill = false) {
  stopHints();
  stream?.getTracks().forEach((track) => track.stop());
  stream = null;
  preview.srcObject = null;
  preview.hidden = true;
  still.hidden = !keepStill;
  camera.hidden = !keepStill;
}

export function stopHints() {
  clearInterval(hints);
}

/** @param {unknown} error @returns {string} */
function reasonOf(error) {
  if (!(error instanceof DOMException)) return text("no-camera");
  if (error.name === "NotAllowedError") {
    // A rule and a person refuse with the same error. Only the person can be asked again.
    const policy = /** @type {any} */ (document).featurePolicy;
    const allowed = policy ? policy.allowsFeature("camera") : true;
    return allowed ? text("denied") : text("blocked");
  }
  return text("no-camera");
}

/**
 * Starts the camera and its hints.
 * @param {() => void} gone called if the person unplugs the camera
 * @returns {Promise<boolean>} false if there is none; the page says why
 */
export async function openCamera(gone) {
  complain("");
  say(text("starting"));
  try {
    if (!navigator.mediaDevices) throw new DOMException("", "NotFoundError");
    const video = { ...SIDE, facingMode: "user" };
    stream = await navigator.mediaDevices.getUserMedia({ video, audio: false });
  } catch (error) {
    complain(reasonOf(error));
    say("");
    return false;
  }
  stream.getVideoTracks()[0].addEventListener("ended", () => {
    if (!stream) return;
    stopCamera();
    complain(text("no-camera"));
    gone();
  });
  camera.hidden = false;
  still.hidden = true;
  preview.hidden = false;
  preview.srcObject = stream;
  await preview.play();
  startHints();
  return true;
}

export function startHints() {
  say(text("ready"));
  hints = setInterval(hint, HINT_MS);
}

/**
 * What the person should change before a picture is taken, from a small copy of the frame.
 * @returns {string | null}
 */
function fault() {
  const small = document.createElement("canvas");
  small.width = 160;
  small.height = 120;
  const context = small.getContext("2d", { willReadFrequently: true });
  if (!context) return null;
  context.drawImage(preview, 0, 0, small.width, small.height);
  const { data } = context.getImageData(0, 0, small.width, small.height);
  const grey = new Float32Array(small.width * small.height);
  let sum = 0;
  for (let at = 0; at < grey.length; at += 1) {
    grey[at] = 0.299 * data[4 * at] + 0.587 * data[4 * at + 1] + 0.114 * data[4 * at + 2];
    sum += grey[at];
  }
  const mean = sum / grey.length;
  if (mean < 40) return "dark";
  if (mean > 225) return "bright";
  // The variance of the Laplacian (Pech-Pacheco et al., 2000).
  let total = 0;
  let squares = 0;
  let count = 0;
  for (let y = 1; y < small.height - 1; y += 1) {
    for (let x = 1; x < small.width - 1; x += 1) {
      const at = y * small.width + x;
      const edge = grey[at - 1] + grey[at + 1] + grey[at - small.width] + grey[at + small.width]
        - 4 * grey[at];
      total += edge;
      squares += edge * edge;
      count += 1;
    }
  }
  return squares / count - (total / count) ** 2 < 12 ? "blurred" : null;
}

function hint() {
  const found = fault();
  say(text(found ?? "ready"));
  oval.classList.toggle("ready", found === null);
}

/** @returns {Promise<string>} a frame as JPEG in base64, not mirrored */
export async function frame() {
  const canvas = document.createElement("canvas");
  canvas.width = preview.videoWidth;
  canvas.height = preview.videoHeight;
  canvas.getContext("2d")?.drawImage(preview, 0, 0);
  still.width = canvas.width;
  still.height = canvas.height;
  still.getContext("2d")?.drawImage(canvas, 0, 0);
  const blob = await /** @type {Promise<Blob | null>} */ (
    new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", QUALITY))
  );
  if (!blob) throw new Error("the browser cannot make a JPEG");
  return base64(new Uint8Array(await blob.arrayBuffer()));
}

/**
 * @param {string} path
 * @param {object} body
 * @returns {Promise<any>}
 */
export async function post(path, body) {
  const response = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  const answer = await response.json();
  if (!response.ok) throw new Refusal(answer.error, answer.code);
  return answer;
}

addEventListener("pagehide", () => stopCamera());
