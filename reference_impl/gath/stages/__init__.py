"""The three stages of a training: E on frames, C on stills, then G against D with both of them frozen."""
