// @ts-check
// The page that enrols a face: it takes several pictures, one on each press of a button, and shows them, so
// that a person can take each one again. Nothing is sent before the person says so.

import {
  complain, frame, openCamera, page, part, post, say, stopCamera, text, wordsOf,
} from "./camera.js";
import { deviceProof, remember } from "./device.js";

const consent = part("consent", HTMLInputElement);
const list = part("taken", HTMLOListElement);
const [start, take, send] = ["start", "take", "send"].map((id) => part(id, HTMLButtonElement));
const title = part("title", HTMLHeadingElement);

const COUNT = Number(page.dataset.pictures);

/** @type {string[]} JPEGs in base64, in the order of the list */
const pictures = [];
let isOpen = false;

/** Shows the buttons that lead on from here. */
function showButtons() {
  const isFull = pictures.length >= COUNT;
  start.hidden = isOpen || isFull;
  take.hidden = !isOpen || isFull;
  send.hidden = !isFull;
  take.textContent = text("take-number")
    .replace("%1", String(pictures.length + 1)).replace("%2", String(COUNT));
  [start, take, send].find((button) => !button.hidden)?.focus();
}

async function open() {
  if (!consent.checked) {
    complain(text("consent-first"));
    consent.focus();
    return;
  }
  start.hidden = true;
  if (isOpen) {
    showButtons();
    return;
  }
  isOpen = await openCamera(() => {
    isOpen = false;
    showButtons();
  });
  showButtons();
}

/** @param {string} picture a JPEG in base64 */
function show(picture) {
  const item = document.createElement("li");
  const image = document.createElement("img");
  image.src = `data:image/jpeg;base64,${picture}`;
  image.alt = "";
  const again = document.createElement("button");
  again.type = "button";
  again.className = "second";
  again.textContent = text("again");
  again.addEventListener("click", () => {
    pictures.splice([...list.children].indexOf(item), 1);
    item.remove();
    void open();
  });
  item.append(image, again);
  list.append(item);
}

async function capture() {
  complain("");
  const picture = await frame();
  pictures.push(picture);
  show(picture);
  if (pictures.length >= COUNT) {
    stopCamera();
    isOpen = false;
    say(text("done"));
  } else {
    say(text("move"));
  }
  showButtons();
}

function startAgain() {
  pictures.length = 0;
  list.replaceChildren();
  showButtons();
}

/** @param {string[]} codes */
function finish(codes) {
  part("enrol", HTMLDivElement).hidden = true;
  part("codes", HTMLDivElement).hidden = false;
  part("list", HTMLUListElement).replaceChildren(...codes.map((code) => {
    const item = document.createElement("li");
    item.append(Object.assign(document.createElement("code"), { textContent: code }));
    return item;
  }));
  title.textContent = text("enrolled");
  document.title = text("enrolled");
  title.focus();
}

async function submit() {
  complain("");
  send.hidden = true;
  say(text("sending"));
  const { username, nonce } = page.dataset;
  let device;
  try {
    device = await deviceProof(username ?? "", nonce ?? "");
  } catch {
    complain(text("no-key"));
    say("");
    showButtons();
    return;
  }
  try {
    const notice = `portal 1 (${document.documentElement.lang})`;
    const answer = await post("/sign-up/face", { username, pictures, consent: notice, device });
    await remember(username ?? "");
    finish(answer.codes);
  } catch (error) {
    complain(wordsOf(error));
    say("");
    startAgain();
  }
}

start.addEventListener("click", open);
take.addEventListener("click", capture);
send.addEventListener("click", submit);
part("print", HTMLButtonElement).addEventListener("click", () => print());
