// Drives a real browser for the tests in Rust. Each line of the standard input is one action in JSON,
// and each line of the standard output its result: {"ok": value} or {"error": text}.
//
// The first argument is the folder with the packages.

import crypto from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import readline from "node:readline";
import { createRequire } from "node:module";

const folder = path.resolve(process.argv[2]);
const require = createRequire(path.join(folder, "x.js"));
const { chromium } = require("playwright-core");
const axe = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

/** How long an element may take to appear, in milliseconds: the machine may be busy. */
const PATIENCE = 60_000;

let context;
let page;
/** What the page said on its console, and errors in its scripts. */
let noise = [];
/** Addresses of requests that left the origin. */
let strangers = [];

const actions = {
  /** Starts a browser with a profile of its own: what an earlier one with this profile kept is there. */
  async launch({ profile, camera, origin, language, dark, width, scale, script, permission, bound, hosts }) {
    const args = [
      "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
      "--disable-background-networking", "--disable-component-update", "--disable-sync",
    ];
    if (camera) {
      args.push("--use-fake-device-for-media-stream", `--use-file-for-fake-video-capture=${camera}`);
    }
    if (permission !== "ask") {
      args.push(permission === "deny" ? "--deny-permission-prompts" : "--use-fake-ui-for-media-stream");
    }
    if (hosts) args.push(`--host-resolver-rules=${hosts}`);
    if (bound) {
      // Chromium binds sessions only where the certificate is right, or is this one.
      const key = new crypto.X509Certificate(fs.readFileSync(bound)).publicKey;
      const spki = key.export({ type: "spki", format: "der" });
      const hash = crypto.createHash("sha256").update(spki).digest("base64");
      args.push(
        `--ignore-certificate-errors-spki-list=${hash}`,
        "--enable-features=DeviceBoundSessions,EnableBoundSessionCredentialsSoftwareKeysForManualTesting",
      );
    }
    context = await chromium.launchPersistentContext(profile, {
      executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
      args,
      ignoreHTTPSErrors: !bound,
      locale: language,
      colorScheme: dark ? "dark" : "light",
      viewport: { width, height: 900 },
      deviceScaleFactor: scale,
      javaScriptEnabled: script,
      reducedMotion: "reduce",
    });
    context.setDefaultTimeout(PATIENCE);
    noise = [];
    strangers = [];
    page = context.pages()[0] ?? (await context.newPage());
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) noise.push(message.text());
    });
    page.on("pageerror", (error) => noise.push(String(error)));
    page.on("request", (request) => {
      const url = request.url();
      if (!url.startsWith(origin) && !/^(data|blob|about):/.test(url)) strangers.push(url);
    });
  },
  async close() { await context.close(); },
  async goto({ url }) { return (await page.goto(url)).status(); },
  async fill({ label, text }) { await page.getByLabel(label, { exact: true }).fill(text); },
  async click({ button, last }) {
    const found = page.getByRole("button", { name: button, exact: true });
    await (last ? found.last() : found).click();
  },
  /** Presses keys on whatever has the focus. */
  async press({ keys }) { for (const key of keys) await page.keyboard.press(key); },
  async follow({ link }) { await page.getByRole("link", { name: link, exact: true }).click(); },
  async press_on({ selector }) { await page.locator(selector).click(); },
  async check({ label }) { await page.getByLabel(label, { exact: true }).check(); },
  /** The value of a form field, or the text of another element. */
  async value({ selector }) {
    const found = page.locator(selector);
    return (await found.getAttribute("value")) ?? found.innerText();
  },
  async type({ text }) { await page.keyboard.type(text); },
  /** Waits until a text is visible. */
  async see({ text }) { await page.getByText(text).first().waitFor(); },
  async heading() { return page.getByRole("heading", { level: 1 }).innerText(); },
  /** The text of the alert that is shown. */
  async complaint() {
    const alert = page.locator("[role=alert]:visible");
    await alert.first().waitFor();
    return alert.first().innerText();
  },
  async content() { return page.locator("body").innerText(); },
  async wait_for({ selector }) { await page.locator(selector).first().waitFor(); },
  async download({ link }) {
    const waiting = page.waitForEvent("download");
    await page.getByRole("link", { name: link, exact: true }).first().click();
    return fs.readFileSync(await (await waiting).path(), "utf8");
  },
  async screenshot({ file }) { await page.screenshot({ path: file, fullPage: true }); },
  /** What axe finds wrong on the page, one text for each. Its script is not one of the page. */
  async violations() {
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => window.axe.run());
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map((it) => it.html).join(" ")}`);
  },
  /** True if the page is wider than the window. */
  async overflows() {
    return page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
  },
  /** What the clock of the page shows, in milliseconds since 1970. */
  async clock({ time }) { await page.clock.setFixedTime(new Date(time)); },
  async text_of({ selector }) { return page.locator(selector).first().innerText(); },
  /** The value of a cookie, as a copy of it would have. */
  async cookie({ name }) {
    return (await context.cookies()).find((it) => it.name === name)?.value ?? "";
  },
  /**
   * The texts of the page that are not between the marks ⟦ and ⟧: of its elements, also the hidden ones, and of
   * attributes. Values of the server are in elements of their own (bdi, time, code), and a language has its own name.
   */
  async unmarked() {
    return page.evaluate(() => {
      const found = [];
      const note = (text) => {
        const rest = text.replace(/⟦[^⟦⟧]*⟧/g, "").trim();
        if (/[\p{L}\p{N}]/u.test(rest)) found.push(rest);
      };
      note(document.title);
      const shown = ["title", "aria-label", "aria-description", "alt", "placeholder"];
      for (const element of document.querySelectorAll("*")) {
        for (const { name, value } of element.attributes) {
          if (shown.includes(name) || name.startsWith("data-face-")) note(value);
        }
        if (element.matches("head *, script, bdi, time, code, tspan, footer button[lang]")) continue;
        // Where scripts run, the content of `noscript` is one text with its marks of HTML.
        const text = (data) => element.matches("noscript") ? data.replace(/<[^>]*>/g, "") : data;
        for (const node of element.childNodes) {
          if (node.nodeType === Node.TEXT_NODE) note(text(node.data));
        }
      }
      return found;
    });
  },
  /** Adds an element with a text, or with a text in one attribute. */
  async add_text({ element, attribute }) {
    await page.evaluate(([name, into]) => {
      const added = document.createElement(name);
      if (into) added.setAttribute(into, "Hello");
      else added.textContent = "Hello";
      document.body.append(added);
    }, [element, attribute]);
  },
  /** Shows parts of the page that a script would show later, each with a text. */
  async show({ selectors }) {
    await page.evaluate((all) => {
      for (const part of all.map((it) => document.querySelector(it))) {
        part.hidden = false;
        part.textContent ||= "…";
      }
    }, selectors);
  },
  async set_cookie({ url, value, name = "__Host-fourauth" }) {
    await context.addCookies([{ name, value, url, secure: true, httpOnly: true, sameSite: "Strict" }]);
  },
  /** Waits until a cookie is there that the browser forgets after at most so many seconds. */
  async shorter_cookie({ name, seconds }) {
    const end = Date.now() + PATIENCE;
    for (;;) {
      const found = (await context.cookies()).find((it) => it.name === name);
      if (found && found.expires - Date.now() / 1000 <= seconds) return;
      if (Date.now() > end) throw new Error(`${name} expires at ${found?.expires}`);
      await new Promise((done) => setTimeout(done, 50));
    }
  },
  /** Forgets a cookie, as if its time was over. */
  async forget_cookie({ name }) { await context.clearCookies({ name }); },
  /** Sends the pages at this path with a rule against the camera. */
  async block_camera({ path }) {
    await page.route(`**${path}`, async (route) => {
      const response = await route.fetch();
      const headers = { ...response.headers(), "permissions-policy": "camera=()" };
      await route.fulfill({ response, headers });
    });
  },
  /** Lets the browser send forms with fields that it would complain about itself. */
  async no_validation() {
    await page.evaluate(() => { for (const form of document.forms) form.noValidate = true; });
  },
  async noise() { return noise; },
  async strangers() { return strangers; },
};

for await (const line of readline.createInterface({ input: process.stdin })) {
  const { action, ...argumentsOf } = JSON.parse(line);
  let result;
  try {
    result = { ok: (await actions[action](argumentsOf)) ?? null };
  } catch (error) {
    const shown = page && !page.isClosed() ? await page.locator("body").innerText().catch(() => "") : "";
    result = { error: `${error}\non the page:\n${shown}\nnoise: ${noise.join("; ")}` };
  }
  process.stdout.write(JSON.stringify(result) + "\n");
}
