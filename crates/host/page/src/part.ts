// What all parts of the page have in common: they speak.

import { LitElement } from "lit";

import type { Speech } from "./speech";

/** An element that is told which language to speak. */
export abstract class Part extends LitElement {
  static override properties: Record<string, object> = { speech: { attribute: false } };

  declare speech: Speech;
}

/** The declaration of a property that is set by a parent, not by an attribute. */
export const given = { attribute: false };
