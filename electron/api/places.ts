/** Where a link or a file from outside of the window leads: the window goes there, and does nothing else by itself. */
export type Place =
  | { readonly kind: 'run'; readonly id: string }
  /** Files and folders of text, for the Data page's form. */
  | { readonly kind: 'data'; readonly paths: readonly string[] }
  /** The folder of a model, for the dialog that imports it. */
  | { readonly kind: 'import'; readonly dir: string }
  /** Nowhere: a link that means nothing here, or a file that is not there. */
  | { readonly kind: 'refused'; readonly what: 'link' | 'file'; readonly text: string };
