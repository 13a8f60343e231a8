//! Calls of the Sentinel connector, answered from Riposte's own incidents.
