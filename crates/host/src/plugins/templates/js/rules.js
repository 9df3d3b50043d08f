// What the plugin decides. It names nothing of the host, so that `npm test` needs no host.

export class Rules {
  #leastMove;

  // `leastMove` is the text of the setting.
  constructor(leastMove) {
    const number = Number(leastMove);
    if (leastMove.trim() === "" || !(number >= 0)) {
      throw new Error(`least-move is ${JSON.stringify(leastMove)}, and must be a number, 0 or more`);
    }
    this.#leastMove = number;
  }

  // One decision for one reading.
  judge({ value, published }) {
    if (value.tag !== "number" || published === null || published.value.tag !== "number") {
      return { verdict: { tag: "abstain" }, reason: "" };
    }
    // Against what was passed on, and not against the reading before: small steps add up.
    const moved = Math.abs(value.val - published.value.val);
    return moved < this.#leastMove
      ? { verdict: { tag: "suppress" }, reason: `moved by less than ${this.#leastMove}` }
      // To pass it on whatever the rules of the home say: { tag: "publish" }.
      : { verdict: { tag: "abstain" }, reason: "" };
  }
}
