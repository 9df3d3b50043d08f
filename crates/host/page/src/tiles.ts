// The counters, one tile each.

import { css, html, nothing, type TemplateResult } from "lit";

import type { Level, Stats } from "./answers";
import { NONE } from "./figures";
import { look } from "./look";
import { Part, given } from "./part";
import { type Rates, published } from "./rates";

class TilesElement extends Part {
  static override properties = { ...Part.properties, stats: given, rates: given };

  static override styles = [
    look,
    css`
      section {
        display: grid;
        grid-template-columns: repeat(6, minmax(0, 1fr));
        gap: 0.75rem;
      }
      dl {
        margin: 0;
      }
      dd {
        margin: 0;
      }
      dd.figure {
        font-size: 1.6rem;
        font-weight: 650;
        line-height: 1.25;
        font-variant-numeric: tabular-nums;
      }
      dd.soft {
        min-height: 1.3em;
      }
      @media (max-width: 64rem) {
        section {
          grid-template-columns: repeat(3, minmax(0, 1fr));
        }
      }
      @media (max-width: 30rem) {
        section {
          grid-template-columns: repeat(2, minmax(0, 1fr));
        }
      }
      @media (max-width: 18rem) {
        section {
          grid-template-columns: minmax(0, 1fr);
        }
      }
    `,
  ];

  declare stats: Stats;
  declare rates: Rates;

  override render(): TemplateResult {
    const { words, figures } = this.speech;
    const { updates, batches, cache } = this.stats;
    const perSecond = (what: "observed" | "published") => {
      const rate = this.rates.per(what);
      return rate === null ? "" : words.perSecond(figures.rate(rate));
    };
    const anything = updates.observed > 0;
    return html`
      <section aria-label=${words.counters}>
        ${tile("observed", words.changesIn, figures.count(updates.observed), perSecond("observed"))}
        ${tile("published", words.published, figures.count(published(this.stats)), perSecond("published"))}
        ${tile(
          "suppressed",
          words.suppressed,
          anything ? figures.share(updates.suppressed_share) : NONE,
          anything ? words.of(figures.count(updates.held_back), figures.count(updates.observed)) : "",
        )}
        ${tile(
          "batches",
          words.batches,
          figures.count(batches.batches),
          batches.batches > 0 ? words.meanSize(figures.rate(batches.mean_size)) : "",
        )}
        ${this.#level("memory", words.memory, cache.l1)} ${this.#level("disk", words.disk, cache.l2)}
      </section>
    `;
  }

  #level(id: string, name: string, level: Level): TemplateResult {
    const { words, figures } = this.speech;
    const reads = level.hits + level.misses;
    const figure = reads > 0 ? figures.share(level.hit_rate) : NONE;
    const meter = html`<meter min="0" max="1" .value=${level.hit_rate} aria-label=${name}></meter>`;
    return tile(id, name, figure, reads > 0 ? words.reads(figures.count(reads)) : words.noReads, meter);
  }
}

function tile(
  id: string,
  name: string,
  figure: string,
  more: string,
  below: TemplateResult | typeof nothing = nothing,
): TemplateResult {
  return html`
    <div class="card" data-tile=${id}>
      <dl>
        <dt class="soft">${name}</dt>
        <dd class="figure">${figure}</dd>
        <dd class="soft">${more}</dd>
      </dl>
      ${below}
    </div>
  `;
}

customElements.define("weir-tiles", TilesElement);
