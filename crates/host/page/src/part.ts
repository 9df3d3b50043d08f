// What all parts of the page have in common: they speak.

import { LitElement } from "lit";

import type { Speech } from "./speech";
import type { Failure } from "./trouble";

/** An element that is told which language to speak. */
export abstract class Part extends LitElement {
  static override properties: Record<string, object> = { speech: { attribute: false } };

  declare speech: Speech;
}

/** A part that is asked for by itself, and may fail by itself. */
export abstract class AskedPart extends Part {
  static override properties: Record<string, object> = { ...Part.properties, failure: { attribute: false } };

  /** Why nothing newer than what is shown arrives. */
  declare failure: Failure | null;
}

/** The declaration of a property that is set by a parent, not by an attribute. */
export const given = { attribute: false };
