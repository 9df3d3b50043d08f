// Requests to the API, with the token where one is needed.

import { Kept } from "./kept";

const PATIENCE_MS = 10_000;

/** What the type of every problem of the API begins with. */
const PROBLEM = "urn:weirhouse:problem:";

/** What no token has: a header cannot carry it, or only together with other words. */
const IN_NO_TOKEN = /[^!-~]/;

/** What is wrong with a token: it is unknown, or it may not read. */
export type Refusal = "unknown" | "no-read";

/** The API wants another token, or one at all. */
export class TokenWanted extends Error {
  /** Why not the one there is; `null` where there is none. */
  readonly refusal: Refusal | null;

  constructor(refusal: Refusal | null) {
    super();
    this.refusal = refusal;
  }
}

/** Something other than the wanted answered. */
export class Unexpected extends Error {
  readonly status: number;
  /** What kind of problem the API says it is, without the part that all of them share; empty if it was not the API. */
  readonly problem: string;

  constructor(status: number, problem: string, detail: string) {
    super(detail);
    this.status = status;
    this.problem = problem;
  }
}

/** Asks the API. All paths are relative to the page, wherever it is served. */
export class Client {
  readonly #token = Kept.inTab("weirhouse-token");

  /** Takes a token from the address, `#token=…`, and out of sight. Says whether there was one. */
  takeTokenFromAddress(): boolean {
    const token = new URLSearchParams(location.hash.slice(1)).get("token");
    if (token === null) return false;
    this.#token.set(token);
    history.replaceState(null, "", location.pathname + location.search);
    return true;
  }

  /** The token of requests from now on. */
  useToken(token: string): void {
    this.#token.set(token.trim());
  }

  forgetToken(): void {
    this.#token.set(null);
  }

  /**
   * The JSON that a path answers. `also` is a status, beside those of success, whose body is wanted as well.
   * Throws `TokenWanted`, `Unexpected`, or what `fetch` throws when nobody answers.
   */
  async get<T>(path: string, also?: number): Promise<T> {
    const token = this.#token.get();
    // What was copied from prose may have typographic quotes. `fetch` throws at them as it does when nobody answers.
    if (token !== null && IN_NO_TOKEN.test(token)) throw new TokenWanted("unknown");
    const giveUp = new AbortController();
    const timer = setTimeout(() => giveUp.abort(), PATIENCE_MS);
    try {
      const answer = await fetch(path, {
        headers: token === null ? {} : { Authorization: `Bearer ${token}` },
        // Never without asking; what has not changed is not sent again.
        cache: "no-cache",
        signal: giveUp.signal,
      });
      if (answer.ok || answer.status === also) return (await answer.json()) as T;
      // Home Assistant's ingress answers 401 itself when its own session has ended: no matter of our token.
      const isProblem = (answer.headers.get("Content-Type") ?? "").startsWith("application/problem+json");
      if (isProblem && answer.status === 401) throw new TokenWanted(token === null ? null : "unknown");
      if (isProblem && answer.status === 403) throw new TokenWanted("no-read");
      const problem: unknown = isProblem ? await answer.json() : {};
      throw new Unexpected(answer.status, member(problem, "type").replace(PROBLEM, ""), member(problem, "detail"));
    } finally {
      clearTimeout(timer);
    }
  }
}

function member(problem: unknown, name: string): string {
  if (typeof problem !== "object" || problem === null || !(name in problem)) return "";
  return String((problem as Record<string, unknown>)[name]);
}
