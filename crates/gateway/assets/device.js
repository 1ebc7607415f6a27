// @ts-check
// The key of this browser: an Ed25519 key in IndexedDB that no script can read, only use.
// docs/PROTOCOL.md, "Device proof", has the message that it signs.

const DATABASE = "fourauth";
const STORE = "keys";
const NAME = "device";
const DOMAIN = "fourauth-device-v1";

/**
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @returns {string} standard base64
 */
export function base64(bytes) {
  let text = "";
  for (let start = 0; start < bytes.length; start += 0x8000) {
    text += String.fromCharCode(...bytes.subarray(start, start + 0x8000));
  }
  return btoa(text);
}

/**
 * @param {string} text standard base64
 * @returns {Uint8Array<ArrayBuffer>}
 */
function decoded(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

/**
 * @param {Uint8Array<ArrayBuffer>[]} parts
 * @returns {Uint8Array<ArrayBuffer>} the parts, one after the other
 */
function joined(parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/**
 * @param {Uint8Array<ArrayBuffer>[]} parts
 * @returns {Uint8Array<ArrayBuffer>} each part after its length as four bytes, big-endian
 */
function framed(parts) {
  return joined(parts.flatMap((part) => {
    const length = new Uint8Array(4);
    new DataView(length.buffer).setUint32(0, part.length);
    return [length, part];
  }));
}

/**
 * @template T
 * @param {IDBRequest<T>} request
 * @returns {Promise<T>}
 */
function answered(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** @returns {Promise<IDBDatabase>} */
function database() {
  const opening = indexedDB.open(DATABASE, 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore(STORE);
  return answered(opening);
}

/**
 * The key of this browser. The first call makes it.
 * @returns {Promise<CryptoKeyPair>}
 */
async function keyPair() {
  const opened = await database();
  try {
    const found = await answered(opened.transaction(STORE).objectStore(STORE).get(NAME));
    if (found) return found;
    const made = /** @type {CryptoKeyPair} */ (
      await crypto.subtle.generateKey("Ed25519", false, ["sign", "verify"])
    );
    // Another tab may have been faster: its key counts.
    const store = opened.transaction(STORE, "readwrite").objectStore(STORE);
    const first = await answered(store.get(NAME));
    if (first) return first;
    await answered(store.put(made, NAME));
    // Firefox asks the person, and the promise waits for the answer. The key is there anyway.
    void navigator.storage?.persist?.().catch(() => {});
    return made;
  } finally {
    opened.close();
  }
}

/** Where the identifier of this tab waits until its account is known. */
const IDENTIFIER = "identifier";

/** @param {string} identifier what the person has typed at the first step */
export function noteIdentifier(identifier) {
  sessionStorage.setItem(IDENTIFIER, identifier);
}

/** @param {string} identifier @returns {string} where its account is kept */
const accountOf = (identifier) => `account:${identifier}`;

/**
 * The account that signed in here with this identifier before.
 * @param {string} identifier
 * @returns {Promise<string | undefined>}
 */
export async function knownName(identifier) {
  const opened = await database();
  try {
    return await answered(opened.transaction(STORE).objectStore(STORE).get(accountOf(identifier)));
  } finally {
    opened.close();
  }
}

/**
 * Remembers that this browser is a device of an account.
 * @param {string} username
 */
export async function remember(username) {
  const opened = await database();
  try {
    const store = opened.transaction(STORE, "readwrite").objectStore(STORE);
    const typed = sessionStorage.getItem(IDENTIFIER) ?? username;
    await Promise.all([username, typed].map((it) => answered(store.put(username, accountOf(it)))));
  } finally {
    opened.close();
  }
}

/** Deletes the key of this browser and what was noted with it. The next proof makes another key. */
export async function forgetKey() {
  const opened = await database();
  try {
    await answered(opened.transaction(STORE, "readwrite").objectStore(STORE).clear());
  } finally {
    opened.close();
  }
}

/**
 * The spelling of a name that the server knows (docs/PROTOCOL.md, "Values"). The key signs it.
 * @param {string} name what a person has typed
 * @returns {string}
 */
export function spelled(name) {
  const ordinary = (/** @type {string} */ letter) => letter.normalize("NFKC");
  return name.trim().replace(/[\u3000\uff01-\uffee]/g, ordinary).normalize("NFC");
}

/** @returns {string} a name for this browser that its owner will recognise in a list */
function browserName() {
  const agent = navigator.userAgent;
  const known = ["Firefox", "Edg", "OPR", "Chrome", "Safari"];
  const browser = known.find((name) => agent.includes(name + "/")) ?? "Browser";
  const systems = ["Android", "iPhone", "iPad", "Windows", "Mac", "Linux"];
  const system = systems.find((name) => agent.includes(name));
  return system ? `${browser} (${system})` : browser;
}

/**
 * Proves the key of this browser for one command.
 * @param {string} username the account
 * @param {string} nonce the nonce of the page, in base64
 * @returns {Promise<{ key: string, mac: string, name: string, nonce: string, signature: string }>} the
 *   public key, its label, a name, and the signature over the nonce
 */
export async function deviceProof(username, nonce) {
  const pair = await keyPair();
  const sha256 = async (/** @type {BufferSource} */ data) =>
    new Uint8Array(await crypto.subtle.digest("SHA-256", data));
  const text = (/** @type {string} */ value) =>
    /** @type {Uint8Array<ArrayBuffer>} */ (new TextEncoder().encode(value));
  const publicKey = new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey));
  const label = [2, ...(await sha256(publicKey)).subarray(0, 5)];
  const mac = label.map((byte) => byte.toString(16).padStart(2, "0")).join(":");
  const channel = joined([await sha256(text(location.origin)), decoded(nonce)]);
  const message = framed([text(DOMAIN), channel, text(username), text(mac)]);
  const signature = new Uint8Array(await crypto.subtle.sign("Ed25519", pair.privateKey, message));
  return {
    key: "ed25519:" + base64(publicKey),
    mac,
    name: browserName(),
    nonce,
    signature: base64(signature),
  };
}
