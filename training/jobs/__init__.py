"""Jobs with strangers' files: processes of this computer, or of a cluster's, do them within limits."""
