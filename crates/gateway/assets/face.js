// @ts-check
// The page that shows the face: it takes pictures with the camera, on a button, and sends them with a
// proof of the browser's key. Nothing is sent before the person says so.

import { base64, deviceProof, remember } from "./device.js";

const SIDE = { width: 640, height: 480 };
const QUALITY = 0.8;
/** Time between two hints, so that they can be read, in milliseconds. */
const HINT_MS = 1000;
/** Time for one step of a challenge, and between its two frames, in milliseconds. */
const STEP_MS = 2500;
const FRAME_MS = 400;

/**
 * @template {Element} T
 * @param {string} id
 * @param {new () => T} type
 * @returns {T}
 */
function part(id, type) {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new Error(`the page has no ${id}`);
  return found;
}

const page = part("face", HTMLDivElement);
const complaint = part("complaint", HTMLParagraphElement);
const camera = part("camera", HTMLDivElement);
const preview = part("preview", HTMLVideoElement);
const still = part("still", HTMLCanvasElement);
const oval = part("oval", HTMLDivElement);
const status = part("status", HTMLParagraphElement);
const add = part("add", HTMLDivElement);
const command = part("command", HTMLElement);
const [start, take, send, again] =
  ["start", "take", "send", "again"].map((id) => part(id, HTMLButtonElement));

/** @type {MediaStream | null} */
let stream = null;
/** @type {number | undefined} */
let hints;
/** @type {{ pictures?: string[], challenge?: { id: string, frames: string[] } } | null} */
let taken = null;

/** @param {string} name the last part of a key of the texts @returns {string} */
const text = (name) => page.getAttribute(`data-face-${name}`) ?? "";
/** An answer of the server that is no. */
class Refusal extends Error {
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
const say = (words) => { if (status.textContent !== words) status.textContent = words; };
/** @param {number} milliseconds */
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** @param {string} words */
function complain(words) {
  complaint.textContent = words;
  complaint.hidden = words === "";
}

/** @param {HTMLButtonElement[]} shown */
function showButtons(...shown) {
  for (const button of [start, take, send, again]) button.hidden = !shown.includes(button);
  shown[0]?.focus();
}

function stopCamera() {
  clearInterval(hints);
  stream?.getTracks().forEach((track) => track.stop());
  stream = null;
  preview.srcObject = null;
}

/** @param {unknown} error @returns {Promise<string>} */
async function reasonOf(error) {
  if (!(error instanceof DOMException)) return text("no-camera");
  if (error.name === "NotAllowedError") {
    // A rule and a person refuse with the same error. Only the person can be asked again.
    const policy = /** @type {any} */ (document).featurePolicy;
    const allowed = policy ? policy.allowsFeature("camera") : true;
    return allowed ? text("denied") : text("blocked");
  }
  return text("no-camera");
}

async function open() {
  complain("");
  showButtons();
  say(text("starting"));
  try {
    if (!navigator.mediaDevices) throw new DOMException("", "NotFoundError");
    const video = { ...SIDE, facingMode: "user" };
    stream = await navigator.mediaDevices.getUserMedia({ video, audio: false });
  } catch (error) {
    complain(await reasonOf(error));
    say("");
    showButtons(start);
    return;
  }
  // The person may unplug it.
  stream.getVideoTracks()[0].addEventListener("ended", () => {
    if (!stream) return;
    stopCamera();
    camera.hidden = true;
    complain(text("no-camera"));
    showButtons(start);
  });
  camera.hidden = false;
  still.hidden = true;
  preview.hidden = false;
  preview.srcObject = stream;
  await preview.play();
  say(text("ready"));
  hints = setInterval(hint, HINT_MS);
  showButtons(take);
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
async function frame() {
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

async function countDown() {
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) {
    say(text("rest"));
    await pause(HINT_MS);
    return;
  }
  for (let seconds = 3; seconds > 0; seconds -= 1) {
    say(text("count").replace("3", String(seconds)));
    await pause(HINT_MS);
  }
}

/** @returns {Promise<{ pictures: string[] }>} */
async function pictures() {
  await countDown();
  const count = Number(page.dataset.pictures);
  const frames = [];
  for (let number = 0; number < count; number += 1) {
    if (number > 0) await pause(FRAME_MS);
    frames.push(await frame());
  }
  return { pictures: frames };
}

/** @returns {Promise<{ challenge: { id: string, frames: string[] } }>} */
async function challenge() {
  const answer = await post("/sign-in/challenge", { username: page.dataset.username });
  say(text("rest"));
  await pause(STEP_MS);
  const frames = [await frame()];
  for (const step of answer.steps) {
    say(text(step));
    await pause(STEP_MS);
    frames.push(await frame());
    await pause(FRAME_MS);
    frames.push(await frame());
  }
  return { challenge: { id: answer.id, frames } };
}

async function capture() {
  complain("");
  clearInterval(hints);
  showButtons();
  try {
    taken = page.dataset.challenge === "true" ? await challenge() : await pictures();
  } catch (error) {
    complain(error instanceof Error ? error.message : String(error));
    showButtons(take);
    return;
  }
  stopCamera();
  preview.hidden = true;
  still.hidden = false;
  say(text("done"));
  showButtons(send, again);
}

/**
 * @param {string} path
 * @param {object} body
 * @returns {Promise<any>}
 */
async function post(path, body) {
  const response = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  const answer = await response.json();
  if (!response.ok) throw new Refusal(answer.error, answer.code);
  return answer;
}

async function submit() {
  complain("");
  add.hidden = true;
  showButtons();
  say(text("sending"));
  const { username, nonce, to } = page.dataset;
  let device;
  try {
    device = await deviceProof(username ?? "", nonce ?? "");
  } catch {
    complain(text("no-key"));
    say("");
    showButtons(again);
    return;
  }
  try {
    const answer = await post("/sign-in/face", { username, to, device, ...taken });
    await remember(username ?? "");
    location.assign(answer.to);
  } catch (error) {
    taken = null;
    camera.hidden = true;
    complain(error instanceof Error ? error.message : String(error));
    if (error instanceof Refusal && error.code === "device_mismatch") {
      const { key, mac } = device;
      command.textContent = `fourauth device add --pubkey ${key} --mac ${mac}`;
      add.hidden = false;
    }
    say("");
    showButtons(start);
  }
}

start.addEventListener("click", open);
take.addEventListener("click", capture);
send.addEventListener("click", submit);
again.addEventListener("click", open);
addEventListener("pagehide", stopCamera);
