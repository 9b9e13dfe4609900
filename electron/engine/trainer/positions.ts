/** How position embeddings reach further than those of the model that training begins with. */
export const positionExtensions = ['repeat', 'interpolate'] as const;
export type PositionExtension = (typeof positionExtensions)[number];
