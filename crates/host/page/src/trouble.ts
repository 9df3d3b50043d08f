// Why something does not arrive, in words.

import { html, nothing, type TemplateResult } from "lit";

import type { Speech } from "./speech";

/** An error that Weirhouse answered with. */
export interface Failure {
  status: number;
  /** What kind of problem the API says it is. */
  problem: string;
  /** The same in its own words. */
  detail: string;
}

/** What the API says of a problem, in the visitor's language if it is one of those that a visitor can meet. */
export function problemInWords({ problem, detail }: Failure, { words }: Speech): TemplateResult {
  return html`${words.problems[problem] ?? html`<span lang="en">${detail}</span>`}`;
}

/** Said in a section whose part alone does not arrive. */
export function failureInWords(failure: Failure | null, speech: Speech): TemplateResult | typeof nothing {
  if (failure === null) return nothing;
  return html`
    <p class="failure" role="status">
      <b class="bad">${speech.words.partFails(failure.status)}</b> ${problemInWords(failure, speech)}
    </p>
  `;
}
