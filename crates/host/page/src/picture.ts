// Readings in and published per second over the last minutes, as a picture and as a table.

import { css, html, nothing, unsafeCSS, type TemplateResult } from "lit";
import uPlot from "uplot";
import plotStyle from "uplot/dist/uPlot.min.css?inline";

import type { History } from "./answers";
import { NONE } from "./figures";
import { look } from "./look";
import { AskedPart, given } from "./part";
import { failureInWords } from "./trouble";


/** A line of fewer points says nothing. */
const FEWEST_POINTS = 2;

const NOTHING: History = { step_s: 1, points: [] };

/** Seconds since 1970, and readings per second. */
type Columns = [times: number[], observed: number[], published: number[]];

class PictureElement extends AskedPart {
  static override properties = {
    ...AskedPart.properties,
    history: given,
    cursor: { state: true },
    asTable: { state: true },
  };

  static override styles = [
    look,
    unsafeCSS(plotStyle),
    css`
      :host {
        --observed: var(--accent);
        --published: var(--strong);
      }
      figure {
        margin: 0;
      }
      .plot {
        height: 11.25rem;
        overflow: hidden;
      }
      .legend {
        display: flex;
        flex-wrap: wrap;
        gap: 0 1.2rem;
        margin-left: auto;
        font-variant-numeric: tabular-nums;
      }
      .legend span::before {
        content: "";
        display: inline-block;
        width: 1.2rem;
        margin-right: 0.4rem;
        vertical-align: middle;
        border-top: 3px solid var(--colour);
      }
      .legend .observed {
        --colour: var(--observed);
      }
      .legend .published {
        --colour: var(--published);
      }
      .u-cursor-x {
        border-right: 1px dashed var(--soft);
      }
      table {
        border-collapse: collapse;
        margin-top: 0.5rem;
      }
      th,
      td {
        padding: 0.15rem 1.5rem 0.15rem 0;
        text-align: left;
        font-variant-numeric: tabular-nums;
        font-weight: 400;
      }
      .scroll {
        max-height: 16rem;
      }
    `,
  ];

  declare history: History | null;
  /** The point under the pointer. */
  declare cursor: number | null;
  declare asTable: boolean;

  #plot: uPlot | null = null;
  /** What the plot shows. */
  #shown: History | null = null;
  #shownLanguage = "";
  readonly #size = new ResizeObserver(() => this.#fit());
  readonly #dark = matchMedia("(prefers-color-scheme: dark)");

  constructor() {
    super();
    this.cursor = null;
    this.asTable = false;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#dark.addEventListener("change", this.#onScheme);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#dark.removeEventListener("change", this.#onScheme);
    this.#discard();
  }

  override render(): TemplateResult | typeof nothing {
    if (this.history === null && this.failure === null) return nothing;
    const { words, figures } = this.speech;
    const columns = perSecond(this.history ?? NOTHING);
    const [times, observed, published] = columns;
    const enough = times.length >= FEWEST_POINTS;
    const at = this.cursor ?? times.length - 1;
    const rate = (rates: number[]) => (rates[at] === undefined ? NONE : words.perSecond(figures.rate(rates[at])));
    const most = (rates: number[]) => figures.rate(Math.max(0, ...rates));
    return html`
      <section class="card" aria-labelledby="title">
        <div class="head">
          <h2 id="title">${words.picture}</h2>
          ${enough
            ? html`<div class="legend soft">
                ${this.cursor === null ? nothing : html`<time>${figures.time(new Date(times[at]! * 1000))}</time>`}
                <span class="observed">${words.changesIn} ${rate(observed)}</span>
                <span class="published">${words.published} ${rate(published)}</span>
              </div>`
            : nothing}
        </div>
        ${failureInWords(this.failure, this.speech)}
        ${enough || this.history === null ? nothing : html`<p class="soft empty">${words.pictureSoon}</p>`}
        <figure ?hidden=${!enough}>
          <div class="plot" role="img" aria-label=${words.pictureSays(most(observed), most(published))}></div>
          <details @toggle=${this.#onToggle}>
            <summary class="soft">${words.asTable}</summary>
            ${this.asTable ? this.#table(columns) : nothing}
          </details>
        </figure>
      </section>
    `;
  }

  #table([times, observed, published]: Columns): TemplateResult {
    const { words, figures } = this.speech;
    return html`
      <div class="scroll" tabindex="0" role="region" aria-labelledby="title">
        <table>
          <thead>
            <tr>
              <th scope="col">${words.time}</th>
              <th scope="col">${words.inPerSecond}</th>
              <th scope="col">${words.publishedPerSecond}</th>
            </tr>
          </thead>
          <tbody>
            ${times.map(
              (time, at) => html`
                <tr>
                  <th scope="row">${figures.time(new Date(time * 1000))}</th>
                  <td>${figures.rate(observed[at] ?? 0)}</td>
                  <td>${figures.rate(published[at] ?? 0)}</td>
                </tr>
              `,
            )}
          </tbody>
        </table>
      </div>
    `;
  }

  override updated(): void {
    const { history } = this;
    if (history === null || history.points.length <= FEWEST_POINTS) return;
    const { language } = this.speech;
    if (this.#plot !== null && language !== this.#shownLanguage) this.#discard();
    if (this.#plot === null) this.#draw(perSecond(history));
    else if (history !== this.#shown) this.#plot.setData(perSecond(history));
    this.#shown = history;
    this.#shownLanguage = language;
  }

  get #frame(): HTMLElement {
    return this.renderRoot.querySelector(".plot") as HTMLElement;
  }

  #draw(columns: Columns): void {
    const { figures } = this.speech;
    const frame = this.#frame;
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
    // Asked anew at each drawing, since the scheme may change between two.
    const colour = (name: string) => () => getComputedStyle(this).getPropertyValue(name).trim();
    const axis = {
      stroke: colour("--soft"),
      grid: { stroke: colour("--line"), width: 1 },
      ticks: { stroke: colour("--line"), width: 1, size: 4 },
      font: `${0.75 * rem}px system-ui, sans-serif`,
    };
    this.#plot = new uPlot(
      {
        width: frame.clientWidth,
        height: frame.clientHeight,
        // Room for half a label at the right.
        padding: [0.5 * rem, 1.9 * rem, 0, 0],
        legend: { show: false },
        cursor: { y: false, drag: { x: false, y: false }, points: { size: 6 } },
        scales: { y: { range: (_plot, _least, most) => [0, Math.max(1, 1.1 * most)] } },
        axes: [
          {
            ...axis,
            size: 1.9 * rem,
            space: 4.4 * rem,
            incrs: [10, 30, 60, 120, 180, 300, 600],
            values: (_plot, times) =>
              times.map((time) =>
                time % 60 === 0 ? figures.shortTime(new Date(time * 1000)) : figures.time(new Date(time * 1000)),
              ),
          },
          { ...axis, size: 2.75 * rem, space: 1.9 * rem, values: (_plot, rates) => rates.map((rate) => figures.value(rate)) },
        ],
        series: [
          {},
          { stroke: colour("--observed"), fill: colour("--area"), width: 2, points: { show: false } },
          { stroke: colour("--published"), width: 2, points: { show: false } },
        ],
        hooks: {
          setCursor: [(plot) => (this.cursor = plot.cursor.idx ?? null)],
        },
      },
      columns,
      frame,
    );
    this.#size.observe(frame);
  }

  #fit(): void {
    const { clientWidth: width, clientHeight: height } = this.#frame;
    if (this.#plot !== null && width > 0 && (width !== this.#plot.width || height !== this.#plot.height)) {
      this.#plot.setSize({ width, height });
    }
  }

  #discard(): void {
    this.#size.disconnect();
    this.#plot?.destroy();
    this.#plot = null;
  }

  readonly #onScheme = (): void => {
    this.#plot?.redraw(false);
  };

  #onToggle(event: Event): void {
    this.asTable = (event.target as HTMLDetailsElement).open;
  }
}

function perSecond({ step_s, points: all }: History): Columns {
  // The last step is under way: its count would look like a fall.
  const points = all.slice(0, -1);
  return [
    points.map((point) => Date.parse(point.at) / 1000),
    points.map((point) => point.observed / step_s),
    points.map((point) => point.published / step_s),
  ];
}

customElements.define("weir-picture", PictureElement);
