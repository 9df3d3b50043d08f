// Which entities are listed, and in what order.

import type { Entity } from "./answers";

/** What can be ordered by. */
export type Column = "entity" | "per-hour" | "suppressed" | "rule" | "last";

export interface Order {
  column: Column;
  descending: boolean;
}

/** The order to begin with when a column is chosen: names from A, figures from the greatest. */
export function firstOrder(column: Column): Order {
  return { column, descending: column !== "entity" && column !== "rule" };
}

/** As people call it. */
export function nameOf(entity: Entity): string {
  return entity.name ?? entity.entity_id;
}

/** 0 to 1; `null` for an entity without readings. */
export function suppressedShare(entity: Entity): number | null {
  return entity.observed > 0 ? entity.suppressed / entity.observed : null;
}

/** Those that have every word of `search` in name or identifier, in this order. */
export function arrange(entities: Entity[], search: string, order: Order, language: string): Entity[] {
  const words = search.toLocaleLowerCase(language).split(/\s+/).filter((word) => word !== "");
  const fits = (entity: Entity) => {
    const text = `${entity.name ?? ""} ${entity.entity_id}`.toLocaleLowerCase(language);
    return words.every((word) => text.includes(word));
  };
  const found = words.length === 0 ? [...entities] : entities.filter(fits);
  const compare = comparison(order.column, new Intl.Collator(language, { numeric: true }));
  const sign = order.descending ? -1 : 1;
  return found.sort((a, b) => sign * compare(a, b));
}

function comparison(column: Column, { compare }: Intl.Collator): (a: Entity, b: Entity) => number {
  switch (column) {
    case "entity":
      return (a, b) => compare(nameOf(a), nameOf(b));
    case "per-hour":
      return (a, b) => a.per_hour - b.per_hour;
    case "suppressed":
      return (a, b) => (suppressedShare(a) ?? -1) - (suppressedShare(b) ?? -1);
    case "rule":
      return (a, b) =>
        compare(a.plugin ?? "", b.plugin ?? "") ||
        compare(a.rule.source, b.rule.source) ||
        compare(a.rule.text, b.rule.text);
    case "last":
      return (a, b) => time(a) - time(b);
  }
}

function time(entity: Entity): number {
  return entity.at === null ? 0 : Date.parse(entity.at);
}
