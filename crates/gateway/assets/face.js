// @ts-check
// The page that shows the face: it takes pictures with the camera, on a button, and sends them with a
// proof of the browser's key. Nothing is sent before the person says so.

import {
  complain, frame, HINT_MS, openCamera, page, part, pause, post, Refusal, say, stopCamera, stopHints,
  text, wordsOf,
} from "./camera.js";
import { deviceProof, forgetKey, noteIdentifier, remember, spelled } from "./device.js";

/** Time for one step of a challenge, and between its two frames, in milliseconds. */
const STEP_MS = 2500;
const FRAME_MS = 400;
/** How long the nonce of a page is used, in milliseconds. The server takes it for ten minutes. */
const NONCE_MS = 540_000;

const add = part("add", HTMLDivElement);
const command = part("command", HTMLElement);
const keyMade = part("key-made", HTMLParagraphElement);
/** The other factors, on a page that takes them all at once. */
const fields = document.getElementById("fields");
/** Codes that mean that the key of this browser does not count for the account. */
const KEY_REFUSED = ["device_mismatch", "device_key_needed", "conflict"];
const [start, take, send, again] =
  ["start", "take", "send", "again"].map((id) => part(id, HTMLButtonElement));

/** @type {{ pictures?: string[], challenge?: { id: string, frames: string[] } } | null} */
let taken = null;

/** @returns {Record<string, string>} what the person has typed, by the names of the fields */
function typed() {
  if (!(fields instanceof HTMLFormElement)) return {};
  return Object.fromEntries([...new FormData(fields)].map(([name, it]) => [name, String(it)]));
}

/** @returns {string} the account */
const username = () => page.dataset.username ?? spelled(typed().username ?? "");

/** The parts of a browser that is no device of the account, on the page of the sign-in. */
const [ask, asked] = ["ask", "asked"].map((id) => document.getElementById(id));
/** Where the pictures go: to the sign-in, or to the request of this browser. */
let way = "/sign-in/face";

const ofPage = { nonce: page.dataset.nonce ?? "", since: Date.now() };

/** @returns {Promise<string>} the nonce of the page, or a new one if it is too old */
async function nonce() {
  if (Math.abs(Date.now() - ofPage.since) > NONCE_MS) {
    ofPage.nonce = (await post("/nonce", {})).nonce;
    ofPage.since = Date.now();
  }
  return ofPage.nonce;
}

/** @param {HTMLButtonElement[]} shown */
function showButtons(...shown) {
  for (const button of [start, take, send, again]) button.hidden = !shown.includes(button);
  shown[0]?.focus();
}

async function open() {
  if (fields instanceof HTMLFormElement && !fields.reportValidity()) return;
  showButtons();
  const isOpen = await openCamera(() => showButtons(start));
  showButtons(isOpen ? take : start);
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
  const answer = await post("/sign-in/challenge", { username: username() });
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
  stopHints();
  showButtons();
  try {
    taken = page.dataset.challenge === "true" ? await challenge() : await pictures();
  } catch (error) {
    complain(wordsOf(error));
    showButtons(take);
    return;
  }
  stopCamera(true);
  say(text("done"));
  showButtons(send, again);
}

async function submit() {
  complain("");
  add.hidden = true;
  if (ask) ask.hidden = true;
  showButtons();
  say(text("sending"));
  const { to, action } = page.dataset;
  const [name, client_ts_utc] = [username(), new Date().toISOString()];
  let device;
  try {
    const fresh = await nonce();
    device = await deviceProof(name, fresh).catch(() => null);
  } catch (error) {
    complain(wordsOf(error));
    say("");
    showButtons(send, again);
    return;
  }
  if (!device) {
    complain(text("no-key"));
    say("");
    showButtons(again);
    return;
  }
  try {
    const proof = { ...typed(), username: name, to, client_ts_utc, device, ...taken };
    const answer = await post(action ?? way, proof);
    if (way === "/sign-in/ask") return showNumber(answer.number);
    // An address is not the name of the account, which the next sign-in tells.
    if (!action || !/@|^\+/.test(name)) {
      if (action) noteIdentifier(name);
      await remember(name);
    }
    if (action) page.dispatchEvent(new CustomEvent("replaced", { detail: answer }));
    else location.assign(answer.to);
  } catch (error) {
    const isKey = error instanceof Refusal && KEY_REFUSED.includes(error.code ?? "");
    // A face that answered a challenge has to answer another one.
    if (!isKey || taken?.challenge) taken = null;
    stopCamera();
    complain(wordsOf(error));
    say("");
    if (isKey) refuseKey(device);
    else showButtons(start);
  }
}

/** What a person can do with a browser that is no device. @param {{ key: string, mac: string }} device */
function refuseKey(device) {
  if (asked && !asked.hidden && way === "/sign-in/face") {
    complain(text("waiting"));
    return;
  }
  showCommand(device);
  keyMade.hidden = true;
  add.hidden = false;
  if (ask) ask.hidden = false;
  else showButtons(start);
}

/** Sends the pictures again, or takes new ones. @param {string} where */
async function goOn(where) {
  way = where;
  if (taken) await submit();
  else await open();
}

/** @param {string} number what the person compares on the other device */
function showNumber(number) {
  const shown = part("ask-number", HTMLElement);
  shown.textContent = number;
  way = "/sign-in/face";
  // The request has spent the nonce, and the answer to a challenge.
  ofPage.since = 0;
  if (taken?.challenge) taken = null;
  say("");
  if (!asked) return;
  asked.hidden = false;
  asked.focus();
}

/** @param {{ key: string, mac: string }} device */
function showCommand({ key, mac }) {
  command.textContent = `fourauth device add --pubkey ${key} --mac ${mac}`;
}

/** A revoked key cannot be added again. */
async function makeNewKey() {
  await forgetKey();
  showCommand(await deviceProof(username(), ofPage.nonce));
  keyMade.hidden = false;
}

part("new-key", HTMLButtonElement).addEventListener("click", makeNewKey);
fields?.addEventListener("submit", (event) => event.preventDefault());
start.addEventListener("click", open);
take.addEventListener("click", capture);
send.addEventListener("click", submit);
again.addEventListener("click", open);
document.getElementById("ask-go")?.addEventListener("click", () => goOn("/sign-in/ask"));
document.getElementById("ask-on")?.addEventListener("click", () => goOn("/sign-in/face"));
