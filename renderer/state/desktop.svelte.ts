import { api } from './api.ts';

/** What the window knows of where it is. */
class Desktop {
  /** The system's own dialogs can be shown. */
  here = $state(false);

  constructor() {
    api.studio.info().then(
      (info) => (this.here = info.desktop),
      () => {}, // as in a browser
    );
  }
}

export const desktop = new Desktop();
