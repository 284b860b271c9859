// Which of the visitor's acts is the last. Much of what is asked for arrives later, and not in the order in which it was
// asked for: what arrives for an act that is not the last one any more must not be shown. Pure.

export class Acts {
  #last = 0;

  /** Begins an act. Gives a question to ask after every wait: is it still the last one? */
  begin() {
    const mine = ++this.#last;
    return () => mine === this.#last;
  }
}
