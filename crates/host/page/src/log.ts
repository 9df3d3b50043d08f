// The newest lines of the log.

import { css, html, nothing, type TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";

import type { LogLine } from "./answers";
import { look } from "./look";
import { AskedPart, given } from "./part";
import { failureInWords } from "./trouble";

class LogElement extends AskedPart {
  static override properties = { ...AskedPart.properties, lines: given };

  static override styles = [
    look,
    css`
      .scroll {
        max-height: 20rem;
      }
      ol {
        font-size: 0.875rem;
      }
      li {
        display: grid;
        grid-template-columns: 4.6rem 4.6rem minmax(0, 1fr);
        gap: 0 0.6rem;
        border-top: 1px solid var(--line);
        padding: 0.3rem 0;
      }
      li > * {
        overflow-wrap: anywhere;
      }
      time {
        color: var(--soft);
        font-variant-numeric: tabular-nums;
      }
      [data-level="warn"] .level,
      [data-level="error"] .level {
        color: var(--bad);
        font-weight: 600;
      }
      @media (max-width: 30rem) {
        li {
          grid-template-columns: 4.6rem minmax(0, 1fr);
        }
        .text {
          grid-column: 1 / -1;
        }
      }
    `,
  ];

  declare lines: LogLine[] | null;

  override render(): TemplateResult | typeof nothing {
    if (this.lines === null && this.failure === null) return nothing;
    const { words } = this.speech;
    return html`
      <section class="card" aria-labelledby="title">
        <div class="head">
          <h2 id="title">${words.log}</h2>
          <span class="soft">${words.newestFirst}</span>
        </div>
        ${failureInWords(this.failure, this.speech)}
        ${this.lines === null ? nothing : this.#list(this.lines)}
      </section>
    `;
  }

  #list(lines: LogLine[]): TemplateResult {
    if (lines.length === 0) return html`<p class="soft empty">${this.speech.words.noLines}</p>`;
    return html`
      <div class="scroll" tabindex="0" role="region" aria-labelledby="title">
        <ol>
          ${repeat(lines.toReversed(), (line) => line.number, (line) => this.#line(line))}
        </ol>
      </div>
    `;
  }

  #line({ at, level, module, text }: LogLine): TemplateResult {
    const { words, figures } = this.speech;
    return html`
      <li data-level=${level}>
        <time datetime=${at}>${figures.time(new Date(at))}</time>
        <span class="level">${words.levels[level] ?? level}</span>
        <span class="text" lang="en"><span class="soft">${module}</span> ${text}</span>
      </li>
    `;
  }
}

customElements.define("weir-log", LogElement);
