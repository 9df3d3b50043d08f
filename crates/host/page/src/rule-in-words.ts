// A rule in a sentence of the page's language.

import type { Rule } from "./answers";
import type { Figures } from "./figures";
import type { Speech } from "./speech";
import type { Words } from "./words/english";

/** When a state is published by this rule, if it has this unit. */
export function ruleInWords(rule: Rule, unit: string | null, { words, figures }: Speech): string {
  const parts = [difference(rule, unit, words, figures)];
  if (rule.learn) parts.push(words.learned);
  if (rule.settle_s !== null) parts.push(words.settles(figures.span(rule.settle_s)));
  if (rule.max_age_s !== null) parts.push(words.repeats(figures.span(rule.max_age_s)));
  return parts.join(", ");
}

function difference(rule: Rule, unit: string | null, words: Words, figures: Figures): string {
  const { absolute, percentage } = rule;
  const one = absolute === null ? null : [figures.value(absolute), unit ?? ""].join(" ").trim();
  const other = percentage === null ? null : figures.percentage(percentage);
  if (one !== null && other !== null) return words.atLeast((rule.any ? words.either : words.both)(one, other));
  const only = one ?? other;
  return only === null ? words.anyChange : words.atLeast(only);
}
