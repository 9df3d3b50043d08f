// What other programs call that fails at times: whether it is called, and how that went. What never failed is only
// counted.

import { css, html, nothing, type TemplateResult } from "lit";

import type { Breaker } from "./answers";
import { look } from "./look";
import { AskedPart, given } from "./part";
import { failureInWords } from "./trouble";

/** Most that are listed: there may be a thousand. */
const MOST = 20;

/** States by how much they matter to who looks. */
const ORDER = ["open", "half-open", "closed"];

const STATE_LOOKS: Record<string, string> = { open: "bad", "half-open": "waits" };

class BreakersElement extends AskedPart {
  static override properties = { ...AskedPart.properties, breakers: given };

  static override styles = [
    look,
    css`
      li {
        border-top: 1px solid var(--line);
        padding: 0.5rem 0;
      }
      li:last-child {
        padding-bottom: 0;
      }
      .row {
        display: flex;
        flex-wrap: wrap;
        align-items: baseline;
        gap: 0 1rem;
      }
      .state {
        margin-left: auto;
        font-weight: 600;
      }
      .waits {
        color: var(--strong);
      }
      p {
        margin: 0.35rem 0 0;
      }
    `,
  ];

  declare breakers: Breaker[] | null;

  override render(): TemplateResult {
    const { words, figures } = this.speech;
    const all = this.breakers ?? [];
    const failed = all.filter((it) => it.state !== "closed" || it.failures + it.opened > 0).sort(byWeight);
    const [fine, more] = [all.length - failed.length, failed.length - MOST];
    return html`
      <section class="card" aria-labelledby="title">
        <div class="head"><h2 id="title">${words.breakers}</h2></div>
        ${failureInWords(this.failure, this.speech)}
        <ul>
          ${failed.slice(0, MOST).map((breaker) => this.#breaker(breaker))}
        </ul>
        ${more > 0 ? html`<p class="soft">${words.notShown(figures.count(more))}</p>` : nothing}
        ${fine > 0 ? html`<p class="soft">${words.withoutFailures(figures.count(fine))}</p>` : nothing}
      </section>
    `;
  }

  #breaker({ name, state, failures, probe_in_s, opened, rejected }: Breaker): TemplateResult {
    const { words, figures } = this.speech;
    return html`
      <li data-breaker=${name} data-state=${state}>
        <div class="row">
          <h3>${name}</h3>
          <span class="state ${STATE_LOOKS[state] ?? ""}">${words.breakerStates[state] ?? state}</span>
        </div>
        <div class="row soft">
          ${probe_in_s === null ? nothing : html`<span>${words.nextTry(figures.ahead(Math.ceil(probe_in_s)))}</span>`}
          ${failures === 0 ? nothing : html`<span>${words.failuresInARow(figures.count(failures))}</span>`}
          ${opened === 0 ? nothing : html`<span>${words.pauses(figures.count(opened))}</span>`}
          ${rejected === 0 ? nothing : html`<span>${words.heldCalls(figures.count(rejected))}</span>`}
        </div>
      </li>
    `;
  }
}

/** What is not called comes first. */
function byWeight(one: Breaker, other: Breaker): number {
  const weight = ({ state }: Breaker) => ORDER.indexOf(state);
  return weight(one) - weight(other) || one.name.localeCompare(other.name);
}

customElements.define("weir-breakers", BreakersElement);
