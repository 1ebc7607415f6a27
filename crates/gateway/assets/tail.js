// @ts-check
// The page of the audit log: shows new rows as they come. Without this script a link loads the page again.

const button = document.getElementById("follow");
const state = document.getElementById("tail");
const list = document.getElementById("rows");

/** Most rows on the page. */
const MOST = 500;

/** @typedef {{ id: number, at: string, username: string, action: string, success: boolean,
 *   detail: string, proof: string }} Row */

/**
 * @param {string} name of the element
 * @param {string} text
 * @param {string} [style] its class
 * @returns {HTMLElement}
 */
function element(name, text, style) {
  const made = document.createElement(name);
  made.textContent = text;
  if (style) made.className = style;
  return made;
}

/**
 * @param {Row} row
 * @param {DOMStringMap} words
 * @returns {HTMLLIElement}
 */
function item(row, words) {
  const { ok = "", failed = "", proof = "" } = words;
  const line = document.createElement("p");
  const outcome = row.success ? element("span", ok, "good") : element("strong", failed, "bad");
  const parts = [element("time", row.at), element("code", row.action), element("bdi", row.username)];
  for (const part of [...parts, outcome]) line.append(part, " ");
  const detail = element("p", "", "help");
  detail.dir = "ltr";
  detail.append(element("bdi", row.detail));
  const link = document.createElement("a");
  link.href = row.proof;
  link.textContent = `${proof} ${row.id}`;
  const last = element("p", "", "row");
  last.append(link);
  const made = document.createElement("li");
  made.append(line, detail, last);
  return made;
}

if (button instanceof HTMLButtonElement && state && list) {
  const words = button.dataset;
  const follow = button.textContent;
  /** @type {EventSource | undefined} */
  let source;

  const stop = (/** @type {string} */ text) => {
    source?.close();
    source = undefined;
    button.textContent = follow;
    state.textContent = text;
  };

  const start = () => {
    source = new EventSource(words.source ?? "");
    source.addEventListener("row", (event) => {
      const row = /** @type {Row} */ (JSON.parse(event.data));
      list.prepend(item(row, words));
      while (list.children.length > MOST) list.lastElementChild?.remove();
    });
    // Between two answers the browser asks again by itself.
    source.addEventListener("error", () => {
      if (source?.readyState === EventSource.CLOSED) stop(words.ended ?? "");
    });
    button.textContent = words.stop ?? "";
    state.textContent = words.following ?? "";
  };

  button.hidden = false;
  button.addEventListener("click", () => (source ? stop("") : start()));
}
