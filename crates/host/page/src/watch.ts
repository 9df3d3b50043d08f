// Follows the API: asks for each part at its pace while the page is visible, and less and less often while nobody
// answers.

import type { ReactiveController, ReactiveControllerHost } from "lit";

import type { Activity, Breaker, Breakers, Health, History, Log, LogLine, Plugin, Plugins, Stats } from "./answers";
import { Client, type Refusal, TokenWanted, Unexpected } from "./client";
import { Rates } from "./rates";
import type { Failure } from "./trouble";

const PACE_MS = 2_000;
const FIRST_DELAY_MS = 1_000;
const LONGEST_DELAY_MS = 30_000;
const LOG_LINES = 200;

/** Parts asked for less often than statistics, in milliseconds. */
const PERIODS_MS = { health: 4_000, log: 4_000, history: 10_000, activity: 10_000, breakers: 4_000, plugins: 10_000 };

/** How many times as long as its request took a part is left alone at least. */
const PAUSE_PER_REQUEST = 20;

export type Part = keyof typeof PERIODS_MS;

/** When each part is asked for next: now. */
const allDue = (): Record<Part, number> => ({ health: 0, log: 0, history: 0, activity: 0, breakers: 0, plugins: 0 });

/** Why figures do not arrive. */
export type Trouble =
  | { kind: "silent" }
  /** Home Assistant, which stands before Weirhouse, wants its user to sign in. */
  | { kind: "session" }
  | ({ kind: "status" } & Failure);

/** What to show. */
export interface View {
  /** `token` while one has to be asked for. */
  phase: "starting" | "token" | "showing";
  /** Why the token given will not do. */
  refused: Refusal | null;
  trouble: Trouble | null;
  /** Parts that fail while others arrive. */
  failures: Record<Part, Failure | null>;
  /** When the newest figures came. */
  asOf: Date | null;
  stats: Stats | null;
  rates: Rates;
  health: Health | null;
  history: History | null;
  activity: Activity | null;
  breakers: Breaker[] | null;
  plugins: Plugin[] | null;
  log: LogLine[] | null;
}

/** Keeps a `View` up to date for an element. */
export class Watch implements ReactiveController {
  readonly view: View = {
    phase: "starting",
    refused: null,
    trouble: null,
    failures: { health: null, history: null, activity: null, breakers: null, plugins: null, log: null },
    asOf: null,
    stats: null,
    rates: new Rates(),
    health: null,
    history: null,
    activity: null,
    breakers: null,
    plugins: null,
    log: null,
  };

  readonly #host: ReactiveControllerHost;
  readonly #client = new Client();
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Grows with each token, so that what was asked with the one before is not shown. */
  #session = 0;
  #asking = false;
  #delay = FIRST_DELAY_MS;
  #due = allDue();
  #nextLine = 0;

  constructor(host: ReactiveControllerHost) {
    this.#host = host;
    host.addController(this);
  }

  hostConnected(): void {
    document.addEventListener("visibilitychange", this.#onVisibility);
    addEventListener("hashchange", this.#onAddress);
    this.#client.takeTokenFromAddress();
    this.now();
  }

  hostDisconnected(): void {
    document.removeEventListener("visibilitychange", this.#onVisibility);
    removeEventListener("hashchange", this.#onAddress);
    clearTimeout(this.#timer);
  }

  /** Goes on with this token. */
  useToken(token: string): void {
    this.#client.useToken(token);
    this.#startAnew();
  }

  /** Shows nothing more of what was asked with the token before. */
  #startAnew(): void {
    this.#session += 1;
    this.#asking = false;
    this.#due = allDue();
    this.view.phase = "starting";
    this.view.refused = null;
    this.now();
    this.#host.requestUpdate();
  }

  /** Asks at once instead of when it is time. */
  now(): void {
    clearTimeout(this.#timer);
    if (document.visibilityState === "hidden" || this.#asking || this.view.phase === "token") return;
    void this.#ask(this.#session);
  }

  readonly #onVisibility = (): void => {
    this.now();
  };

  /** An address with a token, put into a tab that shows the page, loads nothing. */
  readonly #onAddress = (): void => {
    if (this.#client.takeTokenFromAddress()) this.#startAnew();
  };

  async #ask(session: number): Promise<void> {
    this.#asking = true;
    let wait = PACE_MS;
    try {
      const stats = await this.#client.get<Stats>("v1/stats");
      if (session !== this.#session) return;
      this.#show(stats);
      await Promise.all((Object.keys(PERIODS_MS) as Part[]).map((part) => this.#askIfDue(part, session)));
      if (session !== this.#session) return;
      this.#delay = FIRST_DELAY_MS;
    } catch (error) {
      if (session !== this.#session) return;
      wait = this.#fail(error);
    }
    this.#asking = false;
    this.#host.requestUpdate();
    if (this.view.phase !== "token") this.#timer = setTimeout(() => this.now(), wait);
  }

  #show(stats: Stats): void {
    const { view } = this;
    view.phase = "showing";
    view.trouble = null;
    view.asOf = new Date();
    view.stats = stats;
    if (view.rates.add(performance.now(), stats)) {
      // Another run of the program: what was counted and written before is not its own.
      this.#nextLine = 0;
      view.log = null;
      this.#due = allDue();
    }
    this.#host.requestUpdate();
  }

  /** Notes the failure, and says how many milliseconds to wait. */
  #fail(error: unknown): number {
    const { view } = this;
    if (error instanceof TokenWanted) {
      view.refused = error.refusal;
      this.#client.forgetToken();
      view.phase = "token";
      view.trouble = null;
      return 0;
    }
    if (!(error instanceof Unexpected)) view.trouble = { kind: "silent" };
    else if (error.status === 401) view.trouble = { kind: "session" };
    else if (error.message === "" && error.status >= 502) view.trouble = { kind: "silent" };
    else view.trouble = { kind: "status", ...failureOf(error) };
    view.rates = new Rates();
    const wait = this.#delay;
    this.#delay = Math.min(2 * wait, LONGEST_DELAY_MS);
    return wait;
  }

  /** A part that takes long, as entities by the thousand do, comes around less often. */
  async #askIfDue(part: Part, session: number): Promise<void> {
    const started = performance.now();
    if (started < this.#due[part]) return;
    try {
      const take = await this.#get(part);
      if (session !== this.#session) return;
      take();
      this.view.failures[part] = null;
    } catch (error) {
      if (session !== this.#session) return;
      // One part that cannot be had leaves the others; only silence is everybody's.
      if (!(error instanceof Unexpected)) throw error;
      this.view.failures[part] = failureOf(error);
    }
    this.#host.requestUpdate();
    this.#due[part] = started + Math.max(PERIODS_MS[part], PAUSE_PER_REQUEST * (performance.now() - started));
  }

  async #get(part: Part): Promise<() => void> {
    const { view } = this;
    switch (part) {
      case "health": {
        // 503 tells that a part is ill, with the same body.
        const health = await this.#client.get<Health>("healthz", 503);
        return () => (view.health = health);
      }
      case "history": {
        const history = await this.#client.get<History>("v1/history");
        return () => (view.history = history);
      }
      case "activity": {
        const activity = await this.#client.get<Activity>("v1/activity");
        return () => (view.activity = activity);
      }
      case "breakers": {
        const { breakers } = await this.#client.get<Breakers>("v1/breakers");
        return () => (view.breakers = breakers);
      }
      case "plugins": {
        const { plugins } = await this.#client.get<Plugins>("v1/plugins");
        return () => (view.plugins = plugins);
      }
      case "log": {
        const log = await this.#client.get<Log>(`v1/log?since=${this.#nextLine}`);
        return () => {
          this.#nextLine = log.next;
          if (log.lines.length > 0 || view.log === null) {
            view.log = [...(view.log ?? []), ...log.lines].slice(-LOG_LINES);
          }
        };
      }
    }
  }
}

function failureOf({ status, problem, message }: Unexpected): Failure {
  return { status, problem, detail: message };
}
