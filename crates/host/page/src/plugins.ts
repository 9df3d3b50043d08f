// The plugins of the home: what each does and decides, what its calls cost, and how it failed.

import { css, html, nothing, type TemplateResult } from "lit";

import type { Plugin } from "./answers";
import { NONE } from "./figures";
import { look } from "./look";
import { AskedPart, given } from "./part";
import { failureInWords } from "./trouble";

class PluginsElement extends AskedPart {
  static override properties = { ...AskedPart.properties, plugins: given };

  static override styles = [
    look,
    css`
      li {
        border-top: 1px solid var(--line);
        padding: 0.6rem 0;
        overflow-wrap: anywhere;
      }
      li:last-child {
        padding-bottom: 0;
      }
      .row {
        display: flex;
        flex-wrap: wrap;
        align-items: baseline;
        gap: 0 0.6rem;
      }
      .state {
        margin-left: auto;
        font-weight: 600;
      }
      .waits {
        color: var(--strong);
      }
      .idle {
        color: var(--soft);
      }
      p {
        margin: 0;
      }
      .message {
        border-left: 3px solid var(--line);
        padding-left: 0.6rem;
        margin: 0.35rem 0;
      }
      code,
      pre {
        font-size: 0.875rem;
      }
      pre {
        white-space: pre-wrap;
        margin: 0;
      }
      dl {
        display: grid;
        grid-template-columns: repeat(auto-fill, minmax(min(9.5rem, 100%), 1fr));
        gap: 0.35rem 1rem;
        margin: 0.35rem 0 0;
      }
      dl .wide {
        grid-column: 1 / -1;
      }
      dd {
        margin: 0;
        font-variant-numeric: tabular-nums;
      }
      @media (max-width: 30rem) {
        dl {
          grid-template-columns: repeat(2, minmax(0, 1fr));
        }
      }
    `,
  ];

  declare plugins: Plugin[] | null;

  override render(): TemplateResult {
    return html`
      <section class="card" aria-labelledby="title">
        <div class="head"><h2 id="title">${this.speech.words.plugins}</h2></div>
        ${failureInWords(this.failure, this.speech)}
        <ul>
          ${this.plugins?.map((plugin) => this.#plugin(plugin))}
        </ul>
      </section>
    `;
  }

  #plugin(plugin: Plugin): TemplateResult {
    const { words } = this.speech;
    const { name, version, summary, state, message } = plugin;
    const remedy = words.pluginRemedies[state];
    return html`
      <li data-plugin=${name} data-state=${state}>
        <div class="row">
          <h3>${name}</h3>
          ${version === "" ? nothing : html`<span class="soft">${version}</span>`}
          <span class="state ${STATE_LOOKS[state] ?? "bad"}">${words.pluginStates[state] ?? state}</span>
        </div>
        ${summary === "" ? nothing : html`<p class="soft" lang="en">${summary}</p>`}
        ${message === null && remedy === undefined
          ? nothing
          : html`<div class="message">
              ${message === null ? nothing : this.#told(message)}
              ${remedy === undefined ? nothing : html`<p>${remedy.words} <code>${remedy.command(name)}</code></p>`}
            </div>`}
        ${this.#figures(plugin)}
      </li>
    `;
  }

  /** What the program says in English: a sentence, with more behind it where there is more. */
  #told(text: string): TemplateResult {
    const { words, figures } = this.speech;
    const end = text.indexOf("\n");
    const [first, rest] = end < 0 ? [text, ""] : [text.slice(0, end), text.slice(end).trim()];
    const dated = first.replace(TIME, (time) => {
      // A plugin's own words may only look like a time.
      const date = new Date(time);
      return Number.isNaN(date.getTime()) ? time : figures.since(date, new Date());
    });
    return html`
      <p lang="en">${/^[a-z]+[ :,]/.test(dated) ? dated.charAt(0).toUpperCase() + dated.slice(1) : dated}</p>
      ${rest === ""
        ? nothing
        : html`<details>
            <summary class="soft">${words.details}</summary>
            <pre lang="en">${rest}</pre>
          </details>`}
    `;
  }

  #figures(plugin: Plugin): TemplateResult | typeof nothing {
    const { words, figures } = this.speech;
    const { functions, entities, yielded, calls, asked, advised, seconds, longest_s, memory_bytes, faults } = plugin;
    const called = calls > 0;
    // Keeping what it learned is no decision.
    const decisions = functions.filter((it) => it !== "state").map((it) => words.functions[it] ?? it);
    const elsewhere = yielded > 0 ? ` ${words.yielded(figures.count(yielded))}` : "";
    const failed = faults.map(({ cause, count }) => `${words.faultCauses[cause] ?? cause}: ${figures.count(count)}`);
    // One that did nothing yet has no figures but what it is for.
    const idle = !called && entities + yielded + asked === 0 && failed.length === 0;
    if (idle && decisions.length === 0) return nothing;
    return html`
      <dl>
        ${figure("decides", words.decides, decisions.join(", ") || NONE, true)}
        ${idle
          ? nothing
          : html`
              ${figure("entities", words.decidesFor, `${figures.count(entities)}${elsewhere}`)}
              ${figure("asked", words.asked, figures.count(asked))}
              ${figure("advised", words.advised, asked > 0 ? figures.share(advised / asked) : NONE)}
              ${figure("mean", words.meanCall, called ? figures.milliseconds(seconds / calls) : NONE)}
              ${figure("longest", words.longestCall, called ? figures.milliseconds(longest_s) : NONE)}
              ${figure("memory", words.memoryInUse, called ? figures.megabytes(memory_bytes) : NONE)}
              ${figure("faults", words.faults, failed.join(", ") || words.noFaults, failed.length > 0)}
            `}
        ${plugin.last_fault === null
          ? nothing
          : html`<div class="wide" data-figure="last-fault">
              <dt class="soft">${words.lastFault}</dt>
              <dd>${this.#told(plugin.last_fault)}</dd>
            </div>`}
      </dl>
    `;
  }
}

/** A time as the program writes it in its sentences. */
const TIME = /\b\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)/g;

/** Classes by state; one that is newer than this page looks bad. */
const STATE_LOOKS: Record<string, string> = {
  working: "good",
  disabled: "idle",
  "needs-grants": "waits",
  quarantined: "bad",
  refused: "bad",
};

function figure(id: string, name: string, value: string, wide = false): TemplateResult {
  return html`
    <div data-figure=${id} class=${wide ? "wide" : nothing}>
      <dt class="soft">${name}</dt>
      <dd>${value}</dd>
    </div>
  `;
}

customElements.define("weir-plugins", PluginsElement);
