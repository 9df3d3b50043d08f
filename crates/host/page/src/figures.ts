// Numbers and times as a language writes them.

/** Units of time, longest first, in seconds. */
const UNITS: ["day" | "hour" | "minute" | "second", number][] = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
  ["second", 1],
];

/** What stands where there is no figure. */
export const NONE = "–";

/** Writes figures for one locale, such as `de-AT`. */
export class Figures {
  readonly #count: Intl.NumberFormat;
  readonly #rate: Intl.NumberFormat;
  readonly #percent: Intl.NumberFormat;
  readonly #smallPercent: Intl.NumberFormat;
  readonly #value: Intl.NumberFormat;
  readonly #percentage: Intl.NumberFormat;
  readonly #spans: Record<"second" | "minute" | "hour" | "day", Intl.NumberFormat>;
  readonly #milliseconds: Intl.NumberFormat;
  readonly #megabytes: Intl.NumberFormat;
  readonly #time: Intl.DateTimeFormat;
  readonly #shortTime: Intl.DateTimeFormat;
  readonly #dateAndTime: Intl.DateTimeFormat;
  readonly #ago: Intl.RelativeTimeFormat;
  readonly #either: Intl.ListFormat;

  constructor(locale: string) {
    this.#count = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
    this.#rate = new Intl.NumberFormat(locale, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
    this.#percent = new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 0 });
    this.#smallPercent = new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 1 });
    this.#value = new Intl.NumberFormat(locale, { maximumSignificantDigits: 6 });
    this.#percentage = new Intl.NumberFormat(locale, { style: "percent", maximumSignificantDigits: 4 });
    const span = (unit: string) => new Intl.NumberFormat(locale, { style: "unit", unit, unitDisplay: "short" });
    this.#spans = { second: span("second"), minute: span("minute"), hour: span("hour"), day: span("day") };
    const inUnit = (unit: string, maximumSignificantDigits: number) =>
      new Intl.NumberFormat(locale, { style: "unit", unit, unitDisplay: "short", maximumSignificantDigits });
    this.#milliseconds = inUnit("millisecond", 2);
    this.#megabytes = inUnit("megabyte", 3);
    this.#time = new Intl.DateTimeFormat(locale, { timeStyle: "medium", hourCycle: "h23" });
    this.#shortTime = new Intl.DateTimeFormat(locale, { timeStyle: "short", hourCycle: "h23" });
    this.#dateAndTime = new Intl.DateTimeFormat(locale, { dateStyle: "short", timeStyle: "short", hourCycle: "h23" });
    this.#either = new Intl.ListFormat(locale, { type: "disjunction" });
    this.#ago = new Intl.RelativeTimeFormat(locale, { numeric: "always", style: "narrow" });
  }

  count(number: number): string {
    return this.#count.format(number);
  }

  /** With one digit after the point while that says something. */
  rate(number: number): string {
    return number < 100 ? this.#rate.format(number) : this.#count.format(number);
  }

  /** 0 to 1 as percent. */
  share(share: number): string {
    const nearAnEnd = (share > 0 && share < 0.1) || (share > 0.99 && share < 1);
    return (nearAnEnd ? this.#smallPercent : this.#percent).format(share);
  }

  /** As exact as it is given, within reason. */
  value(number: number): string {
    return this.#value.format(number);
  }

  /** A fraction as an exact percentage. */
  percentage(fraction: number): string {
    return this.#percentage.format(fraction);
  }

  /** All of these, of which any will do. */
  either(values: string[]): string {
    return this.#either.format(values);
  }

  /** So many seconds, in the longest unit that they are a multiple of. */
  span(seconds: number): string {
    for (const [unit, length] of UNITS) {
      if (seconds >= length && seconds % length === 0) return this.#spans[unit].format(seconds / length);
    }
    return this.#spans.second.format(seconds);
  }

  /** So many seconds, in milliseconds. */
  milliseconds(seconds: number): string {
    return this.#milliseconds.format(1000 * seconds);
  }

  /** So many bytes, in megabytes. */
  megabytes(bytes: number): string {
    return this.#megabytes.format(bytes / 1e6);
  }

  /** With seconds. */
  time(date: Date): string {
    return this.#time.format(date);
  }

  /** Without seconds. */
  shortTime(date: Date): string {
    return this.#shortTime.format(date);
  }

  /** The time alone on the day itself. */
  since(date: Date, now: Date): string {
    const sameDay = date.toDateString() === now.toDateString();
    return (sameDay ? this.#shortTime : this.#dateAndTime).format(date);
  }

  /** With seconds on the day itself. */
  at(date: Date, now: Date): string {
    const sameDay = date.toDateString() === now.toDateString();
    return (sameDay ? this.#time : this.#dateAndTime).format(date);
  }

  /** How long ago that was; what a clock ahead of ours calls the future is now. */
  ago(date: Date, now: Date): string {
    const seconds = Math.max(0, Math.floor((now.getTime() - date.getTime()) / 1000));
    for (const [unit, length] of UNITS) {
      if (seconds >= length) return this.#ago.format(-Math.floor(seconds / length), unit);
    }
    return this.#ago.format(-0, "second");
  }

  /** In how many seconds that will be. */
  ahead(seconds: number): string {
    for (const [unit, length] of UNITS) {
      if (seconds >= length) return this.#ago.format(Math.floor(seconds / length), unit);
    }
    return this.#ago.format(0, "second");
  }
}
