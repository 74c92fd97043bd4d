mod scrub;
