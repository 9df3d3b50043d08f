// What the API answers, as far as the page shows it.

/** `GET v1/stats` */
export interface Stats {
  version: string;
  uptime_s: number;
  home: {
    connected: boolean;
    /** Why not, in one sentence. */
    reason: string | null;
    ha_version: string | null;
    /** Whether Home Assistant may hold other values by now. */
    stale: boolean;
    entities: number;
  };
  updates: {
    observed: number;
    published: number;
    /** Published by heartbeat or settling. */
    timed: number;
    suppressed: number;
    /** Suppressed, less those that time published after all. */
    held_back: number;
    /** These as a share of those observed, 0 to 1. */
    suppressed_share: number;
  };
  batches: { batches: number; mean_size: number };
  cache: { l1: Level; l2: Level };
  /** By name. */
  schedule: { budgets: Record<string, Budget> };
}

/** A bound of refreshes. */
export interface Budget {
  /** Entities whose refreshes come out of it. */
  members: number;
  /** 0 without a bound for the minute. */
  last_minute: number;
  today: number;
  /** What is left until its day ends, the reserve aside; `null` without a bound for the day. */
  left_today: number | null;
  resets_in_s: number;
}

/** One level of the cache. */
export interface Level {
  hits: number;
  misses: number;
  /** 0 to 1. */
  hit_rate: number;
}

/** `GET healthz` */
export interface Health {
  ok: boolean;
  components: { component: string; ok: boolean; message: string }[];
}

/** `GET v1/activity` */
export interface Activity {
  /** Start of counting, RFC 3339. */
  since: string;
  entities: Entity[];
}

/** What became of the readings of one entity. */
export interface Entity {
  entity_id: string;
  name: string | null;
  unit: string | null;
  observed: number;
  suppressed: number;
  /** Readings per hour. */
  per_hour: number;
  rule: Rule;
  /** Why the newest reading was published or held back. */
  reason: string | null;
  /** The plugin that is asked about its readings. */
  plugin: string | null;
  /** Why the plugin advised what it did last. */
  advice: string | null;
  /** When that was, RFC 3339. */
  at: string | null;
}

/** When the state of an entity, or an attribute, is published. */
export interface Rule {
  /** `rule`, of the configuration and then with its number, `preset` or `default`. */
  source: string;
  number: number | null;
  /** Which attribute; `null` for the state. */
  attribute: string | null;
  /** All of it in English. */
  text: string;
  /** Least difference that matters. */
  absolute: number | null;
  /** The same as a fraction of the value. */
  percentage: number | null;
  /** Whether one of both differences is enough. */
  any: boolean;
  /** Seconds after which a value is repeated. */
  max_age_s: number | null;
  /** Seconds of quiet after which the last value follows. */
  settle_s: number | null;
  /** Whether the threshold is learned from its noise. */
  learn: boolean;
  /** Whether what is published may be a value in the middle of readings. */
  centred: boolean;
  /** Whether each change of its sign is published. */
  zero_crossing: boolean;
  /** Levels of which each crossing is published. */
  levels: number[];
  /** Whether it is a running total. */
  total: boolean;
}

/** `GET v1/plugins` */
export interface Plugins {
  /** Those that work, in the order in which they are asked; then the others. */
  plugins: Plugin[];
}

/** A plugin in the folder; nothing but its name is known of a file that is none. */
export interface Plugin {
  name: string;
  version: string;
  /** What it does, in its author's words. */
  summary: string;
  /** `working`, `disabled`, `needs-grants`, `quarantined` or `refused`. */
  state: string;
  /** What is to be known of the state, or of a file that was not taken. */
  message: string | null;
  /** What it decides: `judge`, `interval`, `ttl`, `transform`; `state` keeps what it learned. */
  functions: string[];
  /** Those it decides for. */
  entities: number;
  /** Those it claims and another decides for. */
  yielded: number;
  calls: number;
  /** Readings, entities and entries that it was asked about. */
  asked: number;
  /** Of those, on how many it gave advice. */
  advised: number;
  /** All calls together. */
  seconds: number;
  longest_s: number;
  memory_bytes: number;
  faults: { cause: string; count: number }[];
  last_fault: string | null;
}

/** `GET v1/breakers` */
export interface Breakers {
  breakers: Breaker[];
}

/** Whether other programs may call something that fails at times. */
export interface Breaker {
  name: string;
  /** `closed`: it is called; `open`: it is not; `half-open`: one call at a time tries it. */
  state: string;
  /** In a row, while it is called. */
  failures: number;
  /** Until it is tried, while it is not called. */
  probe_in_s: number | null;
  /** How often calls paused. */
  opened: number;
  /** Calls that were not made. */
  rejected: number;
}

/** `GET v1/history` */
export interface History {
  /** Length of a step in seconds. */
  step_s: number;
  /** Oldest first; counts of one step each, of which the last is under way. */
  points: { at: string; observed: number; published: number }[];
}

/** `GET v1/log?since=N` */
export interface Log {
  /** What to ask for next. */
  next: number;
  lines: LogLine[];
}

/** One line of the log. */
export interface LogLine {
  number: number;
  /** RFC 3339. */
  at: string;
  level: string;
  module: string;
  text: string;
}
