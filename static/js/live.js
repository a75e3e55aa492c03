// Live updates of one part of a page: <div data-live="/jobs/12/events" data-live-poll="/jobs/12/fragment/">.
// A stream first; after three failed tries the same JSON is polled. The page goes on being right without either.
import { announce } from "./announce.js";
import { tick } from "./clock.js";
import { isIdle } from "./idle.js";
import { pageOf } from "./markup.js";
import { swap } from "./morph.js";

const QUIET_MS = 25000; // a heartbeat comes every 15 s; ten seconds more without one is a sign
const LOST_MS = 10000;
const TRIES = 3;
const RETRY_MS = 3000;
const POLL_MS = 5000;
const POLL_IDLE_MS = 60000;
const STREAMS_PER_BROWSER = 4; // a browser opens six connections to one host; pages need some of them

// One of a few places shared by all tabs, kept until the tab is closed. Resolves to false when all are taken.
async function takePlace() {
  if (!navigator.locks) return true;
  for (let place = 1; place <= STREAMS_PER_BROWSER; place += 1) {
    const got = await new Promise((resolve) => {
      navigator.locks.request(`ecsportal-live-${place}`, { ifAvailable: true }, (lock) => {
        resolve(Boolean(lock));
        return lock ? new Promise(() => {}) : undefined;
      });
    });
    if (got) return true;
  }
  return false;
}

class Live {
  constructor(root) {
    this.root = root;
    this.announced = root.dataset.announced;
    this.lastSign = Date.now();
    this.lostAt = null;
    this.failures = 0;
    this.polls = false;
    this.gaveUpAt = Infinity; // tabs without a place never try for one again
    this.done = false;
    this.watch = setInterval(() => this.showMark(), 1000);
  }

  async start() {
    if (window.EventSource && (await takePlace())) this.openStream();
    else this.poll();
  }

  openStream() {
    if (this.done) return;
    const source = new EventSource(this.root.dataset.live);
    this.source = source;
    source.addEventListener("open", () => this.sign());
    source.addEventListener("ping", () => this.sign());
    source.addEventListener("fragment", (event) => this.apply(event.data));
    source.addEventListener("error", () => this.streamFailed());
  }

  streamFailed() {
    if (this.done) return;
    this.lostAt ??= Date.now();
    this.failures += 1;
    const closed = this.source.readyState === EventSource.CLOSED;
    if (this.failures >= TRIES) {
      this.source.close();
      this.gaveUpAt = Date.now();
      this.poll();
    } else if (closed) {
      setTimeout(() => this.openStream(), RETRY_MS);
    }
  }

  // Asks once, then again after a while, until the stream works or the job is done.
  async poll() {
    if (this.done || this.asking) return;
    this.polls = true;
    this.watchVisibility();
    if (!document.hidden) await this.ask();
    if (this.done) return;
    if (this.lostAt === null && Date.now() - this.gaveUpAt > POLL_IDLE_MS && window.EventSource) {
      this.polls = false;
      this.openStream();
      return;
    }
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.poll(), isIdle() ? POLL_IDLE_MS : POLL_MS);
  }

  async ask() {
    this.asking = true;
    try {
      const answer = await fetch(this.root.dataset.livePoll, { headers: { Accept: "application/json" } });
      if (!answer.ok) throw new Error(String(answer.status));
      this.apply(await answer.text());
    } catch {
      this.lostAt ??= Date.now();
    } finally {
      this.asking = false;
    }
  }

  watchVisibility() {
    if (this.watching) return;
    this.watching = true;
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden && this.polls) this.poll();
    });
  }

  sign() {
    this.lastSign = Date.now();
    this.lostAt = null;
    this.failures = 0;
    this.showMark();
  }

  apply(text) {
    const update = JSON.parse(text);
    Object.entries(update.html || {}).forEach(([id, html]) => swap(id, html));
    const missing = (update.forms || []).filter((id) => document.getElementById(id)?.childElementCount === 0);
    if (missing.length) refreshOwn(missing);
    if (update.title) document.title = update.title;
    if (update.tone) this.showTone(update.tone);
    if (update.announce !== this.announced) {
      this.announced = update.announce;
      announce(update.announce, update.tone === "bad" || update.tone === "attn");
    }
    tick();
    if (update.done) this.finish();
    this.sign();
  }

  showTone(tone) {
    const icon = document.getElementById("favicon");
    const href = icon?.dataset[tone] || icon?.dataset.idle;
    if (href && icon.getAttribute("href") !== href) icon.setAttribute("href", href);
  }

  showMark() {
    const lost = this.lostAt !== null && Date.now() - this.lostAt > LOST_MS;
    const stale = !this.done && (lost || (!this.polls && Date.now() - this.lastSign > QUIET_MS));
    this.root.querySelectorAll("[data-live-mark]").forEach((mark) => {
      mark.classList.toggle("off", stale);
      mark.classList.toggle("done", this.done);
      const at = new Date(this.lastSign).toTimeString().slice(0, 8);
      const words = stale ? `Not live since ${at}. Trying again.` : this.done ? "Finished" : "Live";
      if (mark.textContent !== words) mark.textContent = words;
    });
  }

  finish() {
    this.done = true;
    this.source?.close();
    clearTimeout(this.timer);
    clearInterval(this.watch);
    refreshOwn(["nav-jobs"]);
  }
}

// Counts beside the navigation, and forms, belong to the person: they are not in the update shared by all.
async function refreshOwn(ids) {
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    const page = pageOf(await answer.text());
    if (!answer.ok) return;
    ids.forEach((id) => {
      const fresh = page.getElementById(id);
      if (fresh) swap(id, fresh.outerHTML);
    });
  } catch {
    // The next page shows them.
  }
}

export function startLive(root) {
  new Live(root).start();
}
