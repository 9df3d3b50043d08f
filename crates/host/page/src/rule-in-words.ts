// A rule in a sentence of the page's language.

import type { Rule } from "./answers";
import type { Figures } from "./figures";
import type { Speech } from "./speech";
import type { Words } from "./words/english";

/** When a state that has this unit is published by this rule, or an attribute, which is named first. */
export function ruleInWords(rule: Rule, unit: string | null, { words, figures }: Speech): string {
  const { attribute, levels } = rule;
  // The unit is that of the state.
  const value = (number: number) => [figures.value(number), attribute === null ? (unit ?? "") : ""].join(" ").trim();
  const parts = [difference(rule, value, words, figures)];
  if (rule.learn) parts.push(words.learned);
  if (rule.centred) parts.push(words.centred);
  if (rule.zero_crossing) parts.push(words.zeroCrossing);
  if (levels.length > 0) parts.push(words.crosses(figures.either(levels.map(value))));
  if (rule.total) parts.push(words.total);
  if (rule.settle_s !== null) parts.push(words.settles(figures.span(rule.settle_s)));
  if (rule.max_age_s !== null) parts.push(words.repeats(figures.span(rule.max_age_s)));
  return `${attribute === null ? "" : `${attribute}: `}${parts.join(", ")}`;
}

function difference(rule: Rule, value: (number: number) => string, words: Words, figures: Figures): string {
  const { absolute, percentage } = rule;
  const one = absolute === null ? null : value(absolute);
  const other = percentage === null ? null : figures.percentage(percentage);
  if (one !== null && other !== null) return words.atLeast((rule.any ? words.either : words.both)(one, other));
  const only = one ?? other;
  return only === null ? words.anyChange : words.atLeast(only);
}
